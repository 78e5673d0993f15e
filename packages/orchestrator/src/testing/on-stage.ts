import type { SessionControl, SessionOwner } from '@solstice/workers/sessions';
import { expect, vi } from 'vitest';
import type { Stage } from './stage.js';

/** The last record of a runner that has nothing else to say. */
export const done = { seq: 1, at: new Date(), kind: 'job-finished', result: { state: 'succeeded' } } as const;

/** A runner's stream, as its owner sees it. */
export function control(): SessionControl & { said: string[] } {
  const said: string[] = [];
  return {
    said,
    cancel: (reason, deadline) =>
      said.push(
        deadline === undefined ? `cancel ${reason}` : `deadline of ${deadline.branchId ?? 'workflow'}: ${reason}`,
      ),
    dismiss: (reason) => said.push(`dismiss ${reason}`),
    servicesReady: () => said.push('ready'),
    serviceFailed: ({ name, detail }) => said.push(`${name} ${detail}`),
  };
}

/** Claims, and waits until the fake has made the worker and its runner could dial in. */
export async function claimed(stage: Stage): Promise<SessionOwner> {
  await stage.claimer.look();
  await vi.waitFor(() => expect(stage.backend.provisioned).not.toHaveLength(0));
  const owner = await stage.dial();
  if (!owner) throw new Error('refused');
  return owner;
}

/** Everything of the host's attempts is gone. */
export async function nothingHeld(stage: Stage): Promise<void> {
  await vi.waitFor(async () => {
    expect(stage.attempts.holding()).toEqual([]);
    expect(await stage.store.attempts.workers('alder')).toEqual([]);
    expect(stage.machine.workers.size).toBe(0);
  });
}
