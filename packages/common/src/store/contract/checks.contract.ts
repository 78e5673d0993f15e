import { describe, expect, it } from 'vitest';
import { job, type Scene, spec } from './scene.js';

export function describeChecks(scene: () => Scene): void {
  describe('checks', () => {
    const lease = (more: { forge?: string; limit?: number; leaseMs?: number } = {}) =>
      scene().store.checks.lease({ limit: 10, leaseMs: 60_000, ...more });

    it('have one sender at a time', async () => {
      const { store, other } = scene().under;
      await scene().plan(job('a'));
      const racers = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          (index % 2 ? store : other).checks.lease({ limit: 10, leaseMs: 60_000 }),
        ),
      );
      const [check, ...rest] = racers.flat();
      expect(rest).toEqual([]);
      expect(check).toMatchObject({ desiredVersion: 1, sentVersion: 0, desired: { state: 'pending' } });
      await scene().under.advance(60_000);
      expect(await lease()).toHaveLength(1);
    });

    it('are due until the newest version is accepted', async () => {
      const { checks } = scene().store;
      const host = await scene().host();
      const runId = await scene().plan(job('a'));
      const [first] = await lease();
      await host.start();
      expect(await lease()).toEqual([]);
      await checks.sent(first?.id ?? '', first?.desiredVersion ?? 0, first?.lease ?? 0);
      const [second] = await lease();
      expect(second).toMatchObject({ id: first?.id, desiredVersion: 2, sentVersion: 1, desired: { state: 'running' } });
      await checks.sent(second?.id ?? '', 2, second?.lease ?? 0);
      expect(await lease()).toEqual([]);
      // Repeated, because its answer was lost.
      await checks.sent(second?.id ?? '', 2, second?.lease ?? 0);
      expect((await checks.list({ runId, limit: 1 }))[0]).toMatchObject({ sentVersion: 2 });
      expect(await lease()).toEqual([]);
      expect(await checks.list({ pendingOnly: true, limit: 10 })).toEqual([]);
    });

    it('are sent once more when a sender comes back late, whose report may have overtaken the newest', async () => {
      const { checks } = scene().store;
      await scene().plan(job('a'));
      const [late] = await lease();
      await scene().under.advance(60_000);
      const host = await scene().host();
      await host.start();
      const [holder] = await lease();
      expect(holder).toMatchObject({ desiredVersion: 2 });
      // While the holder still sends: its own report may be the one that was overtaken.
      await checks.sent(late?.id ?? '', 1, late?.lease ?? 0);
      expect(await lease()).toEqual([]);
      await checks.sent(holder?.id ?? '', 2, holder?.lease ?? 0);
      const [again] = await lease();
      expect(again).toMatchObject({ desiredVersion: 2, sentVersion: 1 });
      await checks.sent(again?.id ?? '', 2, again?.lease ?? 0);
      expect(await lease()).toEqual([]);
      // After it: the same, also when the late one does not know whether it was heard.
      await checks.failed(late?.id ?? '', 'no answer', new Date(0), late?.lease ?? 0);
      const [last] = await lease();
      expect(last).toMatchObject({ desiredVersion: 2, tries: 0 });
      await checks.sent(last?.id ?? '', 2, last?.lease ?? 0);
      expect(await lease()).toEqual([]);
    });

    it('wait after a failure, and forget it when it is over', async () => {
      const { checks } = scene().store;
      const runId = await scene().plan(job('a'));
      const [check] = await lease();
      const { createdAt } = await scene().run(runId);
      const nextTryAt = new Date(createdAt.getTime() + 300_000);
      await checks.failed(check?.id ?? '', 'the forge answered 502', nextTryAt, check?.lease ?? 0);
      expect((await checks.list({ pendingOnly: true, limit: 10 }))[0]).toMatchObject({
        tries: 1,
        lastError: 'the forge answered 502',
        nextTryAt,
      });
      expect(await lease()).toEqual([]);
      await scene().under.advance(301_000);
      const [again] = await lease();
      expect(again?.id).toBe(check?.id);
      await checks.sent(check?.id ?? '', 1, again?.lease ?? 0);
      expect((await checks.list({ runId, limit: 1 }))[0]).toMatchObject({
        tries: 0,
        lastError: undefined,
        nextTryAt: undefined,
      });
    });

    it('change only when the forge would show something else', async () => {
      const host = await scene().host();
      const runId = await scene().plan(job('a'), job('b'), job('c'));
      const version = async () => (await scene().store.checks.list({ runId, limit: 1 }))[0]?.desiredVersion;
      const a = await host.claim();
      expect(await version()).toBe(1);
      await scene().store.attempts.start(a.fence);
      expect(await version()).toBe(2);
      await host.finish(a.fence);
      await host.work();
      expect(await version()).toBe(2);
      await host.work('failed');
      expect(await version()).toBe(3);
      const [check] = await scene().store.checks.list({ runId, limit: 1 });
      expect(check?.desired).toMatchObject({
        state: 'failed',
        title: '2 of 3 jobs succeeded · c failed: step “Test” exited with 3',
      });
      const reports = (await scene().drainOutbox()).filter((message) => message.kind === 'report');
      expect(reports).toHaveLength(3);
    });

    it('are kept by forge, and say so in the lease', async () => {
      await scene().plan(job('a'));
      expect(await lease({ forge: 'another' })).toEqual([]);
      expect(await lease({ forge: 'forge', limit: 0 })).toEqual([]);
      expect(await lease({ forge: 'forge' })).toHaveLength(1);
    });

    it('of one commit and context belong to the newest run', async () => {
      const { checks } = scene().store;
      const source = await scene().source();
      const [older, newer] = [
        await scene().newRun(spec(job('a')), { source }),
        await scene().newRun(spec(job('b')), { source: { ...source, ref: 'refs/heads/other' } }),
      ];
      await scene().planRuns(older);
      await scene().planRuns(newer);
      const host = await scene().host();
      await host.work('failed'); // the older one
      const [check, ...rest] = await checks.list({ commit: source.commit, limit: 10 });
      expect(rest).toEqual([]);
      expect(check).toMatchObject({ runId: newer.runId, desired: { state: 'pending', pageKey: newer.pageKey } });
      await host.work();
      expect((await checks.list({ commit: source.commit, limit: 10 }))[0]).toMatchObject({
        runId: newer.runId,
        desired: { state: 'succeeded' },
      });
    });

    it('of a run that was born superseded fill an empty place, and take none', async () => {
      const { checks } = scene().store;
      const superseding = { ...spec(job('a')), concurrency: { group: 'main', policy: 'supersede' as const } };
      const source = await scene().source();
      const shown = async (commit: string): Promise<unknown> => {
        const found = await checks.list({ commit, limit: 10 });
        return found.map(({ runId, desired: { state } }) => ({ runId, state }));
      };
      /** A run of the event, after which nobody looks at the group. */
      const planOf = async (deliveryId: string, more: { source?: typeof source }): Promise<string> => {
        const run = await scene().newRun(superseding, more);
        await scene().store.runs.plan({
          ...{ deliveryId, runs: [run], failedChecks: [] },
          outcome: { state: 'planned', reason: undefined },
        });
        return run.runId;
      };
      const host = await scene().host();
      // A push and a pull request of one commit: the one that came last was planned first.
      const deliveries = [await scene().deliver(), await scene().deliver(), await scene().deliver()];
      const [first, second, third] = deliveries.map(({ id }) => id);
      const going = await planOf(third ?? '', { source });
      const { fence } = await host.start();
      const late = await planOf(second ?? '', { source });
      expect(await scene().run(late)).toMatchObject({ state: 'superseded', number: 2 });
      expect(await shown(source.commit)).toEqual([{ runId: going, state: 'running' }]);
      await host.finish(fence);
      expect(await shown(source.commit)).toEqual([{ runId: going, state: 'succeeded' }]);

      const elsewhere = await scene().source();
      const alone = await planOf(first ?? '', { source: elsewhere });
      expect(await scene().run(alone)).toMatchObject({ state: 'superseded' });
      expect(await shown(elsewhere.commit)).toEqual([{ runId: alone, state: 'cancelled' }]);
      const real = await scene().newRun(superseding, { source: elsewhere });
      await scene().planRuns(real);
      expect(await shown(elsewhere.commit)).toEqual([{ runId: real.runId, state: 'pending' }]);
    });

    it('are listed by repository', async () => {
      const { checks } = scene().store;
      await scene().plan(job('a'));
      const repositoryId = (await scene().repository()).id;
      expect(await checks.list({ repositoryId, limit: 10 })).toHaveLength(1);
      expect(await checks.list({ repositoryId: '3f1c8a52-0000-7000-8000-000000000000', limit: 10 })).toEqual([]);
      expect(await checks.list({ limit: 0 })).toEqual([]);
    });
  });
}
