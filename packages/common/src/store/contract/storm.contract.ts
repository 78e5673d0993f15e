import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isTerminal } from '../../flow/index.js';
import type { Claim } from '../port/index.js';
import { exit3, job, lines, offer, type Scene, type TestHost } from './scene.js';

/** Numbers from 0 up to 1 that are the same in every run of the test (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** What a fenced or replaced process hears is no fault; anything else is. */
async function orFenced<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'fence-lost' || error.code === 'host-replaced')) {
      return undefined;
    }
    throw error;
  }
}

export function describeStorm(scene: () => Scene): void {
  describe('a storm', () => {
    it('of hosts that die, are replaced and come back leaves every run ended, once', async () => {
      const { store } = scene().under;
      const random = seeded(20_260_101);
      const capacity = { cpus: 3, memoryBytes: 100_000_000, slots: 3 };
      const pools = [offer('default')];
      const hosts = new Map<string, TestHost>();
      const held: Claim[] = [];
      for (const id of ['alder', 'birch', 'cedar']) {
        hosts.set(id, await scene().host(id, { pools, capacity }));
      }
      for (let index = 0; index < 12; index += 1) {
        await scene().plan(job('a'), job('b'), job('c', ['a', 'b']), job('d', ['c']));
      }

      const actOn = async (claim: Claim): Promise<void> => {
        const dice = random();
        const attempts = random() < 0.5 ? store.attempts : scene().under.other.attempts;
        await orFenced(attempts.start(claim.fence));
        await orFenced(attempts.record(claim.fence, lines(1, 'one\n', 'two\n')));
        if (dice < 0.7) {
          const result = dice < 0.6 ? ({ state: 'succeeded' } as const) : ({ state: 'failed', cause: exit3 } as const);
          await Promise.all([
            orFenced(attempts.finish(claim.fence, result)),
            orFenced(attempts.finish(claim.fence, result)),
          ]);
        } else if (dice < 0.8) {
          await orFenced(attempts.lose(claim.fence, 'its runner died'));
        } // Otherwise the worker is just taken away.
        await attempts.releaseWorker(claim.workerId);
      };

      const disturb = async (host: TestHost): Promise<void> => {
        const dice = random();
        if (dice < 0.1) {
          const seen = (await store.hosts.renewals()).find((one) => one.id === host.id);
          await store.hosts.reap(host.id, seen ?? expect.fail());
        } else if (dice < 0.2) {
          hosts.set(host.id, await scene().host(host.id, { pools, capacity, instance: randomUUID() }));
        } else if (dice < 0.25) {
          const [open] = await store.runs.list({ states: ['queued', 'running'], limit: 1 });
          if (open !== undefined) {
            await store.runs.command(open.id, { kind: 'cancel', by: 'mara' });
          }
        }
        await orFenced((hosts.get(host.id) ?? host).renew());
      };

      const open = async (): Promise<number> =>
        (await store.runs.list({ limit: 100 })).filter((run) => !isTerminal(run.state)).length;
      for (let round = 0; (await open()) > 0; round += 1) {
        expect(round, `${await open()} runs are still open`).toBeLessThan(300);
        const claims = await Promise.all([...hosts.values()].map((host) => orFenced(host.tryClaim())));
        held.push(...claims.filter((claim) => claim !== undefined));
        for (const record of await store.hosts.list()) {
          expect(record.reserved.slots).toBeLessThanOrEqual(capacity.slots);
        }
        await Promise.all([...hosts.values()].map(disturb));
        await Promise.all(held.splice(0, Math.ceil(held.length * random())).map(actOn));
        await scene().under.advance(700);
      }

      for (const claim of held) {
        await store.attempts.releaseWorker(claim.workerId);
      }
      for (const id of hosts.keys()) {
        expect((await store.attempts.workers(id)).filter((worker) => worker.attemptLive)).toEqual([]);
      }
      for (const summary of await store.runs.list({ limit: 100 })) {
        const kinds = (await store.runs.events(summary.id)).map((event) => event.kind);
        expect(kinds.filter((kind) => kind === 'run.ended')).toHaveLength(1);
        expect(kinds.filter((kind) => kind === 'attempt.ended')).toHaveLength(
          kinds.filter((kind) => kind === 'attempt.queued').length,
        );
      }
      expect((await store.hosts.renewals()).some((host) => host.hasLeases)).toBe(false);
    });
  });
}
