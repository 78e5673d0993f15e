import { describe, expect, it } from 'vitest';
import type { BranchSpec, NodeSpec, RunSpec } from '../../flow/index.js';
import { exit3, happened, job, type Scene, spec, wait } from './scene.js';

/** Conditions, branches, what is there for failures, and the deadlines of runs and branches. */
export function describeBranches(scene: () => Scene): void {
  const branch = (id: string, when: string, more: Partial<BranchSpec> = {}): BranchSpec => ({
    ...{ kind: 'branch', id, name: id, needs: [], when },
    ...more,
  });
  const inside = (id: string, side: 'then' | 'else' = 'then') => ({ branch: { id, side } });
  const keysOf = async (runId: string): Promise<string[]> =>
    (await scene().store.timers.ofRun(runId)).map(({ key }) => key);

  async function plan(nodes: NodeSpec[], more: Partial<RunSpec> = {}): Promise<string> {
    const run = await scene().newRun({ ...spec(...nodes), ...more });
    await scene().planRuns(run);
    return run.runId;
  }

  describe('branches and conditions', () => {
    it('are judged as the run goes on, and what they skip is never handed out', async () => {
      const host = await scene().host();
      const runId = await plan(
        [
          job('build'),
          branch('channel', "needs.build.outputs.version == '2'", { needs: ['build'] }),
          job('publish', ['channel'], inside('channel')),
          job('nightly', ['channel'], inside('channel', 'else')),
          job('bench', ['channel', 'publish', 'nightly'], { when: "branch == 'main'" }),
        ],
        { values: { branch: 'next' } },
      );
      const build = await host.start();
      happened(await scene().store.attempts.finish(build.fence, { state: 'succeeded', outputs: { version: '2' } }));
      const { nodes } = await scene().run(runId);
      expect(nodes).toMatchObject([
        { state: 'succeeded' },
        { state: 'succeeded', outputs: { taken: 'then' }, attempts: [] },
        { state: 'ready' },
        { state: 'skipped', cause: { kind: 'condition' }, attempts: [] },
        { state: 'waiting' },
      ]);
      expect((await host.work()).nodeId).toBe('publish');
      expect(await host.tryClaim()).toBeUndefined();
      expect(await scene().run(runId)).toMatchObject({ state: 'succeeded' });
      expect((await scene().run(runId)).nodes[4]?.cause).toEqual({
        kind: 'condition',
        detail: "branch == 'main' is false",
      });
    });

    it('leave alone in the end what is there for failures only, or have it begin', async () => {
      const host = await scene().host();
      const nodes = [job('a'), job('tell', [], { onFailure: true })];
      const good = await plan(nodes);
      await host.work();
      expect(await scene().nodeStates(good)).toEqual({ a: 'succeeded', tell: 'skipped' });
      const bad = await plan(nodes);
      await host.work('failed');
      expect(await scene().waitingFor(bad, 'tell')).toContain('queued for pool default');
      const tell = await host.start();
      happened(await scene().store.attempts.finish(tell.fence, { state: 'failed', cause: exit3 }));
      expect(await scene().run(bad)).toMatchObject({ state: 'failed', cause: { kind: 'nodes', nodes: ['a'] } });
    });
  });

  describe('the deadline of a run', () => {
    it('moves with its start, ends what it has left, and fails it', async () => {
      const host = await scene().host();
      const runId = await plan([job('a'), wait('rest', 999_000), job('tell', [], { onFailure: true })], {
        deadlineMs: 20_000,
      });
      const key = `workflow:${runId}`;
      expect(await keysOf(runId)).toEqual([`wait:${runId}/rest`, key]);
      const { fence } = await host.start();
      expect(await scene().waitingFor(runId, 'a')).toContain('at the latest (workflow)');
      await scene().under.advance(20_000);
      expect(await scene().store.timers.fire(10)).toMatchObject({ fired: 1 });
      expect(await keysOf(runId)).toEqual([]);
      expect(await scene().nodeStates(runId)).toEqual({ a: 'running', rest: 'cancelled', tell: 'waiting' });
      expect(await scene().store.attempts.cancelRequested('alder')).toMatchObject([
        {
          ...{ attemptId: fence.attemptId, by: 'workflow', deadline: { limitMs: 20_000 } },
          reason: 'the workflow did not end within its deadline of 20 s',
        },
      ]);
      happened(await scene().store.attempts.finish(fence, { state: 'cancelled' }));
      // The runner did not hear that it was heard, and says it again.
      happened(await scene().store.attempts.finish(fence, { state: 'cancelled' }));
      expect((await host.work()).nodeId).toBe('tell');
      expect(await scene().run(runId)).toMatchObject({ state: 'failed', cause: { kind: 'clock', clock: 'workflow' } });
    });

    it('is told with the start, by what is left of it then, and ends with the first runner that says so', async () => {
      const { store } = scene();
      const host = await scene().host();
      const runId = await plan([job('a'), job('b')], { deadlineMs: 20_000 });
      await scene().under.advance(5_000);
      const claim = await host.claim();
      // It counts from this first start, and not from the planning.
      const first = happened(await store.attempts.start(claim.fence));
      expect(first.enclosing).toEqual({ limitMs: 20_000, leftMs: 20_000 });
      await scene().under.advance(8_000);
      const again = happened(await store.attempts.start(claim.fence)).enclosing?.leftMs;
      expect(again).toBeLessThanOrEqual(12_000);
      expect(again).toBeGreaterThan(0);
      const other = await host.start();
      await scene().under.advance(12_000);
      const cause = { kind: 'clock', clock: 'workflow', limitMs: 20_000, step: 0, stepName: 'Build' } as const;
      happened(await store.attempts.finish(claim.fence, { state: 'cancelled', cause }));
      happened(await store.attempts.finish(claim.fence, { state: 'cancelled', cause }));
      expect(await keysOf(runId)).toEqual([]);
      expect(await store.timers.fire(10)).toMatchObject({ fired: 0 });
      expect(await store.attempts.cancelRequested('alder')).toMatchObject([
        { attemptId: other.fence.attemptId, by: 'workflow', deadline: { limitMs: 20_000 } },
      ]);
      happened(await store.attempts.finish(other.fence, { state: 'cancelled' }));
      expect(await scene().run(runId)).toMatchObject({ state: 'failed', cause: { kind: 'clock', clock: 'workflow' } });
    });

    it('counts from when the run was admitted, whoever reads it', async () => {
      const group = { concurrency: { group: 'main', policy: 'queue' as const }, deadlineMs: 60_000 };
      const first = await plan([job('a')], group);
      const second = await plan([job('a')], group);
      expect(await keysOf(second)).toEqual([]);
      await scene().under.advance(300_000);
      await scene().store.runs.command(first, { kind: 'cancel', by: 'mara' });
      expect(await scene().store.concurrency.settle(10)).toMatchObject({ settled: 1 });
      const [timer] = await scene().store.timers.ofRun(second);
      expect(timer?.key).toBe(`workflow:${second}`);
      expect(await scene().waitingFor(second, 'a')).toContain(new Date(timer?.fireAtMs ?? 0).toISOString());
      await (await scene().host()).work();
      expect(await scene().run(second)).toMatchObject({ state: 'succeeded' });
    });
  });

  describe('the deadline of a branch', () => {
    it('counts from its decision, and goes with the last node in it', async () => {
      const host = await scene().host();
      const nodes = [
        branch('b', 'true', { deadlineMs: 60_000 }),
        job('a', ['b'], inside('b')),
        wait('rest', 30_000, ['b'], inside('b')),
      ];
      const runId = await plan(nodes);
      const key = `branch:${runId}/b`;
      expect(await keysOf(runId)).toEqual([key, `wait:${runId}/rest`]);
      await host.work();
      expect(await keysOf(runId)).toEqual([key, `wait:${runId}/rest`]);
      await scene().under.advance(30_000);
      expect(await scene().store.timers.fire(10)).toMatchObject({ fired: 1 });
      expect(await keysOf(runId)).toEqual([]);
      expect(await scene().run(runId)).toMatchObject({ state: 'succeeded' });
    });

    it('is told with the start, if it is over first', async () => {
      const { store } = scene();
      const host = await scene().host();
      const nodes = [branch('b', 'true', { deadlineMs: 60_000 }), job('a', ['b'], inside('b')), job('last', ['a'])];
      const runId = await plan(nodes, { deadlineMs: 600_000 });
      const { fence } = await host.claim();
      const { enclosing } = happened(await store.attempts.start(fence));
      expect(enclosing).toMatchObject({ branchId: 'b', limitMs: 60_000 });
      expect(enclosing?.leftMs).toBeLessThanOrEqual(60_000);
      await scene().under.advance(60_000);
      const cause = { kind: 'clock', clock: 'branch', limitMs: 60_000, step: 0, stepName: 'Build' } as const;
      happened(await store.attempts.finish(fence, { state: 'cancelled', cause }));
      expect((await scene().run(runId)).nodes).toMatchObject([
        { state: 'succeeded' },
        { state: 'timed_out', cause: { clock: 'branch' }, attempts: [{ state: 'cancelled', cause }] },
        { state: 'skipped' },
      ]);
      expect(await store.timers.fire(10)).toMatchObject({ fired: 0 });
    });

    it('ends what it has left as timed out, also what a runner calls cancelled', async () => {
      const host = await scene().host();
      const nodes = [
        branch('b', 'true', { deadlineMs: 60_000 }),
        job('a', ['b'], inside('b')),
        job('last', ['b', 'a'], inside('b')),
        job('after', ['b', 'a', 'last']),
      ];
      const runId = await plan(nodes);
      const { fence } = await host.start();
      await scene().under.advance(60_000);
      expect(await scene().store.timers.fire(10)).toMatchObject({ fired: 1 });
      expect(await keysOf(runId)).toEqual([]);
      expect(await scene().nodeStates(runId)).toMatchObject({ a: 'running', last: 'timed_out', after: 'waiting' });
      happened(await scene().store.attempts.finish(fence, { state: 'cancelled' }));
      const cause = { kind: 'clock', clock: 'branch', limitMs: 60_000 };
      expect((await scene().run(runId)).nodes).toMatchObject([
        { state: 'succeeded' },
        { state: 'timed_out', cause, attempts: [{ state: 'cancelled' }] },
        { state: 'timed_out', cause, attempts: [] },
        { state: 'skipped' },
      ]);
    });
  });
}
