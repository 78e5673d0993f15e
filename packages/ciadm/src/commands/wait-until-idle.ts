import { setTimeout as delay } from 'node:timers/promises';
import type { HostDetailView, OperatorClient } from '@solstice/api';
import { SolsticeError } from '@solstice/common/errors';
import type { Context } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-codes.js';
import { counted } from '../render/room.js';
import { oneLine } from '../render/text.js';

const pollMs = 500;
/** A server may be restarted meanwhile; one that stays away longer ends the watching. */
const patienceMs = 120_000;

/** Watches a draining host until all its workers have been taken away. The host drains on, whatever becomes of this. */
export async function waitUntilIdle(
  context: Context,
  client: OperatorClient,
  first: HostDetailView,
): Promise<ExitCode | undefined> {
  const { output } = context;
  const id = oneLine(first.id);
  let host: HostDetailView | undefined = first;
  let said = '';
  try {
    for (;;) {
      if (host === undefined) {
        await report(context, undefined, `${id} was removed`);
        return undefined;
      }
      if (host.state === 'active') {
        output.note(`${id} takes work again, since ${host.stateChange?.by ?? 'somebody'} resumed it.`);
        return exitCodes.refused;
      }
      // A dead host takes its workers away when it is back; its work has gone elsewhere by then.
      const left = host.workers.filter(({ live }) => live || host?.alive === true);
      if (left.length === 0) {
        await report(context, host, `nothing runs on ${id} any more`);
        return undefined;
      }
      const text = describe(left);
      if (text !== said && !context.json) await output.line(`waiting for ${text}`);
      said = text;
      await delay(pollMs, undefined, { signal: context.stopped });
      host = await patiently(context, () => client.host(first.id));
    }
  } catch (error) {
    if (!context.stopped.aborted) throw error;
    output.note(`${id} is still draining; ciadm host ${id} shows what runs there.`);
    return exitCodes.interrupted;
  }
}

async function report(context: Context, host: HostDetailView | undefined, text: string): Promise<void> {
  if (context.json) await context.output.json({ host: host ?? null });
  else await context.output.line(text);
}

function describe(workers: HostDetailView['workers']): string {
  const live = workers.filter((worker) => worker.live);
  if (live.length === 0) return `${counted(workers.length, 'worker')} to be taken away`;
  const names = live.map(({ run, job, attemptId }) =>
    oneLine(run === undefined || job === undefined ? attemptId : `run ${run} ${job}`),
  );
  const told = names.slice(0, 5).join(', ');
  return `${counted(live.length, 'job')}: ${told}${names.length > 5 ? ', …' : ''}`;
}

/** Undefined: there is no such host any more. */
async function patiently(context: Context, ask: () => Promise<HostDetailView>): Promise<HostDetailView | undefined> {
  const since = performance.now();
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof SolsticeError) || context.stopped.aborted) throw error;
      if (error.code === 'not-found') return undefined;
      if (!error.retryable || performance.now() - since > patienceMs) throw error;
      await delay(pollMs, undefined, { signal: context.stopped });
    }
  }
}
