import { describe, expect, it } from 'vitest';
import { exit3, happened, job, type Scene, spec, wait } from './scene.js';

export function describeTimers(scene: () => Scene): void {
  describe('timers', () => {
    const keysOf = async (runId: string): Promise<string[]> =>
      (await scene().store.timers.ofRun(runId)).map(({ key }) => key);

    it('end a wait, once, and not before its time', async () => {
      const { store } = scene();
      const runId = await scene().plan(wait('soak', 60_000), job('after', ['soak']));
      expect(await keysOf(runId)).toEqual([`wait:${runId}/soak`]);
      expect(await scene().waitingFor(runId, 'soak')).toMatch(/^waits until /);
      expect(await store.timers.due(10)).toEqual([]);
      expect(await store.timers.nextInMs()).toBeGreaterThan(50_000);
      expect(await store.timers.fire(10)).toEqual({ fired: 0, skipped: 0, events: [] });
      const early = await store.runs.command(runId, { kind: 'fire', key: `wait:${runId}/soak` });
      expect(happened(early).events).toEqual([]);

      await scene().under.advance(60_000);
      expect(await store.timers.due(10)).toMatchObject([{ key: `wait:${runId}/soak`, runId }]);
      expect(await store.timers.nextInMs()).toBe(0);
      expect(await store.timers.fire(10)).toMatchObject({ fired: 1 });
      expect(await scene().nodeStates(runId)).toEqual({ soak: 'succeeded', after: 'ready' });
      expect(await keysOf(runId)).toEqual([]);
      expect(await store.timers.nextInMs()).toBeUndefined();
      const again = await store.runs.command(runId, { kind: 'fire', key: `wait:${runId}/soak` });
      expect(happened(again).events).toEqual([]);
    });

    it('fire once, however many try at the same time', async () => {
      const { store, other } = scene().under;
      const runIds = [];
      for (let index = 0; index < 4; index += 1) {
        const run = await scene().newRun(spec(wait('a', 1_000), wait('b', 1_000), wait('c', 90_000)));
        await scene().planRuns(run);
        runIds.push(run.runId);
      }
      await scene().under.advance(1_000);
      let fired = 0;
      // Whoever finds a run taken passes it over: somebody looks again.
      for (let round = 0; round < 10 && (await store.timers.due(1)).length > 0; round += 1) {
        const answers = await Promise.all([store, other, store, other].map(({ timers }) => timers.fire(3)));
        fired += answers.reduce((sum, answer) => sum + answer.fired, 0);
      }
      expect(fired).toBe(8);
      for (const runId of runIds) {
        expect(await scene().nodeStates(runId)).toEqual({ a: 'succeeded', b: 'succeeded', c: 'running' });
        const ends = (await store.runs.events(runId)).filter(({ kind }) => kind === 'node.ended');
        expect(ends).toHaveLength(2);
      }
    });

    it('announce an attempt when its backoff is over, and are still there for another process', async () => {
      const { store, other } = scene().under;
      const host = await scene().host();
      const retry = { times: 1, on: ['failed'], backoff: { minMs: 5_000, maxMs: 5_000 } };
      const runId = await scene().plan(job('a', [], { retry }));
      await host.work('failed');
      const message = { kind: 'job', version: 1, pool: 'default', attemptId: `${runId}/a/2` };
      expect(await scene().drainOutbox()).not.toContainEqual(message);
      expect(await host.tryClaim()).toBeUndefined();
      await scene().under.advance(5_000);
      expect(await other.timers.fire(10)).toMatchObject({ fired: 1 });
      expect(await scene().drainOutbox()).toContainEqual(message);
      expect(await store.timers.fire(10)).toEqual({ fired: 0, skipped: 0, events: [] });
      expect((await host.work()).attemptNumber).toBe(2);
      expect(await scene().run(runId)).toMatchObject({ state: 'succeeded' });
    });

    it('go when somebody was quicker, and never overtake a result', async () => {
      const host = await scene().host();
      const runId = await scene().plan(job('a', [], { queueMs: 5_000, deadlineMs: 8_000 }));
      expect(await keysOf(runId)).toEqual([`deadline:${runId}/a`, `queue:${runId}/a/1`]);
      const claim = await host.start();
      expect(claim.deadlineLeftMs).toBeGreaterThan(0);
      expect(await keysOf(runId)).toEqual([]);
      await scene().under.advance(60_000);
      expect(await scene().store.timers.fire(10)).toMatchObject({ fired: 0 });
      await host.finish(claim.fence);
      expect(await scene().run(runId)).toMatchObject({ state: 'succeeded' });
    });

    it('end what no host took in time', async () => {
      const runId = await scene().plan(job('a', [], { queueMs: 5_000 }), job('b', ['a']));
      await scene().under.advance(5_000);
      await scene().store.timers.fire(10);
      const run = await scene().run(runId);
      expect(run).toMatchObject({ state: 'failed' });
      expect(run.nodes[0]).toMatchObject({
        state: 'timed_out',
        cause: { kind: 'clock', clock: 'queue', limitMs: 5_000 },
        attempts: [{ state: 'timed_out' }],
      });
      expect(await (await scene().host()).tryClaim()).toBeUndefined();
    });

    it('go with a cancel', async () => {
      const runId = await scene().plan(wait('a', 5_000), job('b', [], { queueMs: 5_000 }));
      happened(await scene().store.runs.command(runId, { kind: 'cancel', by: 'mara' }));
      expect(await keysOf(runId)).toEqual([]);
      expect(await scene().run(runId)).toMatchObject({ state: 'cancelled' });
    });

    it('tell of themselves', async () => {
      const told: string[] = [];
      const stop = scene().under.other.changes.on('timers', () => told.push('timers'));
      const host = await scene().host();
      await scene().plan(job('a'));
      await scene().store.attempts.lose((await host.claim()).fence, 'gone');
      await expect.poll(() => told.length).toBeGreaterThan(0);
      stop();
    });
  });

  describe('what a job hands on', () => {
    it('comes with the claim of those that need it, with the result and its reason', async () => {
      const host = await scene().host();
      const runId = await scene().plan(
        job('build'),
        job('lint', [], { allowFailure: true }),
        job('ship', ['build', 'lint']),
      );
      const [build, lint] = [await host.start(), await host.start()];
      const outputs = { version: '1.2.3' };
      happened(await scene().store.attempts.finish(build.fence, { state: 'succeeded', outputs }));
      happened(await scene().store.attempts.finish(lint.fence, { state: 'failed', cause: exit3 }));
      const run = await scene().run(runId);
      expect(run.nodes).toMatchObject([{ outputs }, { state: 'failed', tolerated: true }, { state: 'ready' }]);
      const claim = await host.start();
      expect(claim.needs).toEqual({
        build: { result: 'succeeded', outputs },
        lint: { result: 'failed', reason: 'step “Test” exited with 3', outputs: {} },
      });
      await host.finish(claim.fence);
      expect(await scene().run(runId)).toMatchObject({ state: 'succeeded', cause: undefined });
    });
  });
}
