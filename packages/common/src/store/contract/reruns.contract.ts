import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isRefusal, type Refusal, type Rerun } from '../../flow/index.js';
import type { NewRunNumber } from '../port/index.js';
import { exit3, gate, happened, job, type Scene, spec, wait } from './scene.js';

/** Throws when it was refused. */
export function made(outcome: NewRunNumber | Refusal): NewRunNumber {
  if (isRefusal(outcome)) throw new Error(`refused: ${outcome.reason} (${outcome.state})`);
  return outcome;
}

export function describeReruns(scene: () => Scene): void {
  const rerun = (runId: string, which: Rerun = { kind: 'failed' }): Promise<NewRunNumber | Refusal> =>
    scene().store.runs.rerun({ runId, which, newRunId: randomUUID(), pageKey: randomUUID(), by: 'mara' });

  /** `a` and `b` succeed, `c` fails, and `d`, which needs it, is skipped. */
  const failedRun = async (): Promise<string> => {
    const host = await scene().host();
    const nodes = [job('a'), job('b', ['a']), job('c', ['a']), job('d', ['b', 'c'])];
    const run = await scene().newRun(spec(...nodes), { trigger: { event: 'tag', actor: 'ada' } });
    await scene().planRuns(run);
    const a = await host.start();
    happened(await scene().store.attempts.finish(a.fence, { state: 'succeeded', outputs: { version: '1.2' } }));
    for (const claim of [await host.start(), await host.start()]) {
      await host.finish(claim.fence, claim.nodeId === 'c' ? 'failed' : 'succeeded');
    }
    expect(await scene().run(run.runId)).toMatchObject({ state: 'failed' });
    return run.runId;
  };

  describe('a rerun', () => {
    it('does again what failed and what depends on it, and takes the rest as it ended', async () => {
      const oldId = await failedRun();
      const before = await scene().run(oldId);
      await scene().drainOutbox();
      const { id, number } = made(await rerun(oldId));
      expect(number).toBe(2);
      const run = await scene().run(id);
      expect(run).toMatchObject({
        number: 2,
        state: 'queued',
        spec: before.spec,
        source: before.source,
        trigger: { event: 'tag', actor: 'ada' },
        deliveryId: undefined,
        rerun: { of: oldId, number: 1, generation: 1, by: 'mara' },
      });
      const reusedFrom = { runId: oldId, number: 1 };
      expect(run.nodes).toMatchObject([
        { id: 'a', state: 'succeeded', reusedFrom, outputs: { version: '1.2' }, attempts: [] },
        { id: 'b', state: 'succeeded', reusedFrom, attempts: [] },
        { id: 'c', state: 'ready' },
        { id: 'd', state: 'waiting', waitingFor: 'needs c' },
      ]);
      expect(run.nodes[2]).not.toHaveProperty('reusedFrom');
      const messages = await scene().drainOutbox();
      expect(messages).toContainEqual({ kind: 'job', version: 1, pool: 'default', attemptId: `${id}/c/1` });

      const host = await scene().host('birch');
      const claim = await host.start();
      expect(claim).toMatchObject({ nodeId: 'c', needs: { a: { result: 'succeeded', outputs: { version: '1.2' } } } });
      await host.finish(claim.fence);
      await host.work();
      expect(await scene().run(id)).toMatchObject({ state: 'succeeded' });
      expect(await scene().run(oldId)).toEqual(before);
      expect((await scene().store.runs.list({ limit: 1 }))[0]).toMatchObject({ id, rerun: { of: oldId, number: 1 } });
    });

    it('takes over the check of the commit, also from the old run’s late words', async () => {
      const { store } = scene();
      const oldId = await failedRun();
      const [old] = await store.checks.list({ runId: oldId, limit: 10 });
      const { id } = made(await rerun(oldId));
      const checks = await store.checks.list({ limit: 10 });
      expect(checks).toMatchObject([{ id: old?.id, runId: id, context: old?.context, desired: { state: 'pending' } }]);
    });

    it('of a rerun counts on, and says where a node really ran', async () => {
      const oldId = await failedRun();
      const second = made(await rerun(oldId));
      const host = await scene().host('birch');
      await host.work('failed');
      const third = made(await rerun(second.id));
      expect(await scene().run(third.id)).toMatchObject({
        rerun: { of: second.id, number: 2, generation: 2 },
        nodes: [{ reusedFrom: { runId: oldId, number: 1 } }, { reusedFrom: { runId: oldId, number: 1 } }, {}, {}],
      });
    });

    it('is of all of it, or of one node and what needs it', async () => {
      const oldId = await failedRun();
      const all = made(await rerun(oldId, { kind: 'all' }));
      expect(await scene().nodeStates(all.id)).toEqual({ a: 'ready', b: 'waiting', c: 'waiting', d: 'waiting' });
      const one = made(await rerun(oldId, { kind: 'node', nodeId: 'b' }));
      expect(await scene().run(one.id)).toMatchObject({
        nodes: [
          { state: 'succeeded' },
          { state: 'ready' },
          { state: 'failed', cause: exit3, reusedFrom: { runId: oldId } },
          { state: 'waiting' },
        ],
      });
    });

    it('is refused for what has not ended, has nothing to do again, or is not there', async () => {
      const runId = await scene().plan(job('a'));
      expect(await rerun(runId)).toMatchObject({ refused: true, state: 'queued' });
      await (await scene().host()).work();
      expect(await rerun(runId)).toMatchObject({ refused: true, state: 'succeeded' });
      expect(await rerun(runId, { kind: 'node', nodeId: 'x' })).toMatchObject({ refused: true, kind: 'invalid' });
      await expect(rerun(randomUUID())).rejects.toMatchObject({ code: 'not-found' });
      const newRunId = runId;
      const again = { runId, which: { kind: 'all' as const }, newRunId, pageKey: randomUUID(), by: 'mara' };
      await expect(scene().store.runs.rerun(again)).rejects.toMatchObject({ code: 'refused' });
      expect(await scene().store.runs.list({ limit: 10 })).toHaveLength(1);
    });

    it('may be asked for by several at once', async () => {
      const oldId = await failedRun();
      const runs = await Promise.all([rerun(oldId), rerun(oldId), rerun(oldId)]);
      expect(runs.map((run) => made(run).number).sort()).toEqual([2, 3, 4]);
    });
  });

  describe('what can be resumed', () => {
    const waiting = async () =>
      Object.fromEntries(
        (await scene().store.runs.list({ waiting: true, limit: 10 })).map(({ id, waits }) => [id, waits]),
      );

    it('is listed with what it waits for, and until when', async () => {
      const { store } = scene();
      const host = await scene().host();
      const retry = { times: 1, on: ['failed'], backoff: { minMs: 60_000, maxMs: 60_000 } };
      const backoff = await scene().plan(job('flaky', [], { retry }));
      await host.work('failed');
      const open = await scene().plan(gate('ship', [], { timeoutMs: 60_000 }), gate('other'));
      const soaking = await scene().plan(wait('soak', 60_000), job('lint'));
      await scene().plan(job('busy'));
      const ended = await scene().plan(wait('over', 60_000));
      happened(await store.runs.command(ended, { kind: 'cancel', by: 'mara' }));

      const until = expect.any(Date);
      expect(await waiting()).toEqual({
        [backoff]: [{ kind: 'backoff', nodeId: 'flaky', text: expect.stringContaining('not before'), until }],
        [open]: [
          { kind: 'gate', nodeId: 'ship', text: expect.stringContaining('until'), until },
          { kind: 'gate', nodeId: 'other', text: expect.any(String) },
        ],
        [soaking]: [{ kind: 'wait', nodeId: 'soak', text: expect.stringMatching(/^waits until/), until }],
      });
      expect((await scene().run(open)).nodes).toMatchObject([
        { kind: 'gate', waitsUntil: until },
        { kind: 'gate', waitingFor: expect.any(String) },
      ]);
      const [first] = await store.runs.list({ waiting: true, limit: 1 });
      expect(first?.id).toBe(soaking);
      expect((await store.runs.list({ limit: 1 }))[0]).not.toHaveProperty('waits');

      await scene().under.advance(60_000);
      for (let round = 0; round < 5 && (await store.timers.fire(10)).fired > 0; round += 1);
      expect(Object.keys(await waiting())).toEqual([open]);
    });

    it('has what waits in its concurrency group', async () => {
      const queued = { ...spec(job('a')), concurrency: { group: 'main', policy: 'queue' as const } };
      const first = await scene().newRun(queued);
      const second = await scene().newRun(queued);
      await scene().planRuns(first);
      await scene().planRuns(second);
      expect(await waiting()).toEqual({ [second.runId]: [{ kind: 'held', text: expect.stringContaining('main') }] });
      expect(await scene().run(second.runId)).toMatchObject({ held: true, nodes: [{ state: 'waiting' }] });
    });
  });
}
