import { describe, expect, it } from 'vitest';
import { happened, job, type Scene, spec } from './scene.js';

export function describePlanning(scene: () => Scene): void {
  describe('planning', () => {
    it('writes run, nodes, attempts, check, messages and the delivery’s state at once', async () => {
      const { store } = scene();
      const delivery = await scene().deliver();
      await scene().drainOutbox();
      const run = await scene().newRun(spec(job('build'), job('test', ['build'])));
      const planned = await store.runs.plan({
        deliveryId: delivery.id,
        runs: [run],
        failedChecks: [],
        outcome: { state: 'planned', reason: undefined },
      });
      expect(planned).toEqual({ planned: true, runs: [{ id: run.runId, number: 1, pageKey: run.pageKey }] });
      expect(await store.deliveries.get(delivery.id)).toMatchObject({ state: 'planned', runIds: [run.runId] });

      const detail = await scene().run(run.runId);
      expect(detail).toMatchObject({
        id: run.runId,
        number: 1,
        workflow: 'ci',
        state: 'queued',
        source: run.source,
        trigger: run.trigger,
        pageKey: run.pageKey,
        deliveryId: delivery.id,
        spec: run.spec,
      });
      expect(detail.nodes.map((node) => [node.id, node.state, node.needs])).toEqual([
        ['build', 'ready', []],
        ['test', 'waiting', ['build']],
      ]);
      expect(detail.nodes[0]?.attempts).toMatchObject([
        { id: `${run.runId}/build/1`, number: 1, state: 'queued', pool: 'default', durableSeq: 0, logBytes: 0 },
      ]);
      expect(detail.nodes[0]?.attempts[0]?.steps.map((step) => [step.index, step.name, step.state])).toEqual([
        [0, 'Build', 'waiting'],
        [1, 'Test', 'waiting'],
      ]);
      expect(detail.nodes[0]?.waitingFor).toContain('queued for pool default');
      expect(detail.nodes[1]?.waitingFor).toBe('needs build');

      const [check] = await store.checks.list({ runId: run.runId, limit: 10 });
      expect(check).toMatchObject({
        context: 'solstice/ci',
        commit: run.source.commit,
        desired: { state: 'pending', pageKey: run.pageKey },
        desiredVersion: 1,
        sentVersion: 0,
      });
      const messages = await scene().drainOutbox();
      expect(messages).toHaveLength(2);
      expect(messages).toContainEqual({
        kind: 'job',
        version: 1,
        pool: 'default',
        attemptId: `${run.runId}/build/1`,
      });
      expect(messages).toContainEqual({ kind: 'report', version: 1, forge: 'forge', checkId: check?.id });
    });

    it('happens once for a delivery, also when fifty planners try', async () => {
      const { store, other } = scene().under;
      const delivery = await scene().deliver();
      const runs = await Promise.all(Array.from({ length: 50 }, () => scene().newRun(spec(job('build')))));
      const answers = await Promise.all(
        runs.map((run, index) =>
          (index % 2 ? store : other).runs.plan({
            deliveryId: delivery.id,
            runs: [run],
            failedChecks: [],
            outcome: { state: 'planned', reason: undefined },
          }),
        ),
      );
      const winners = answers.filter((answer) => answer.planned);
      expect(winners).toHaveLength(1);
      expect(await store.runs.list({ limit: 100 })).toHaveLength(1);
      expect(await store.deliveries.get(delivery.id)).toMatchObject({ runIds: [winners[0]?.runs[0]?.id] });
      expect(answers.filter((answer) => !answer.planned).every((answer) => answer.runs.length === 0)).toBe(true);
    });

    it('does nothing for a delivery that was settled', async () => {
      const { store } = scene();
      const delivery = await scene().deliver();
      await store.deliveries.settle(delivery.id, 'ignored', 'of no interest');
      const request = {
        runs: [await scene().newRun(spec(job('build')))],
        failedChecks: [],
        outcome: { state: 'planned', reason: undefined },
      } as const;
      expect(
        await store.runs.plan({ ...request, runs: [...request.runs], failedChecks: [], deliveryId: delivery.id }),
      ).toEqual({ planned: false, runs: [] });
      expect(await store.runs.list({ limit: 10 })).toEqual([]);
    });

    it('counts runs from 1, and finds them by id, number and page key', async () => {
      const { store } = scene();
      const ids = [await scene().plan(job('a')), await scene().plan(job('a')), await scene().plan(job('a'))];
      const listed = await store.runs.list({ limit: 10 });
      expect(listed.map((run) => [run.number, run.id])).toEqual([
        [3, ids[2]],
        [2, ids[1]],
        [1, ids[0]],
      ]);
      expect((await store.runs.list({ limit: 1, beforeNumber: 3 })).map((run) => run.number)).toEqual([2]);
      const second = await store.runs.find({ number: 2 });
      expect(second?.id).toBe(ids[1]);
      expect(await store.runs.find({ pageKey: second?.pageKey ?? '' })).toEqual(second);
      expect(await store.runs.find({ number: 99 })).toBeUndefined();
      expect(await store.runs.find({ pageKey: 'guess' })).toBeUndefined();
      expect(await store.runs.find({ id: '3f1c8a52-0000-7000-8000-000000000000' })).toBeUndefined();
      expect(await store.runs.find({ id: 'nonsense' })).toBeUndefined();
    });

    it('lists by repository and state', async () => {
      const { store } = scene();
      const host = await scene().host();
      const done = await scene().plan(job('a'));
      await host.work();
      const open = await scene().plan(job('a'));
      const repositoryId = (await scene().repository()).id;
      expect((await store.runs.list({ states: ['succeeded', 'failed'], limit: 10 })).map((run) => run.id)).toEqual([
        done,
      ]);
      expect((await store.runs.list({ states: ['queued'], repositoryId, limit: 10 })).map((run) => run.id)).toEqual([
        open,
      ]);
      const elsewhere = '3f1c8a52-0000-7000-8000-000000000000';
      expect(await store.runs.list({ repositoryId: elsewhere, limit: 10 })).toEqual([]);
    });

    it('refuses what could never end, and then keeps nothing of it', async () => {
      const { store } = scene();
      const delivery = await scene().deliver();
      await scene().drainOutbox();
      const good = await scene().newRun(spec(job('a')));
      const bad = await scene().newRun({ ...spec(), workflow: { name: 'empty', file: '.solstice/empty.kdl' } });
      const plan = store.runs.plan({
        deliveryId: delivery.id,
        runs: [good, bad],
        failedChecks: [],
        outcome: { state: 'planned', reason: undefined },
      });
      await expect(plan).rejects.toMatchObject({ code: 'refused' });
      expect(await store.runs.find({ id: good.runId })).toBeUndefined();
      expect(await store.deliveries.get(delivery.id)).toMatchObject({ state: 'received' });
      expect(await scene().drainOutbox()).toEqual([]);
      expect(await store.checks.list({ limit: 10 })).toEqual([]);
    });

    it('makes a failed check of a broken file, with every place', async () => {
      const { store } = scene();
      const delivery = await scene().deliver();
      await scene().drainOutbox();
      const source = await scene().source();
      const at = { file: '.solstice/ci.kdl', endLine: 3, endColumn: 9, severity: 'error', code: 'x' } as const;
      await store.runs.plan({
        deliveryId: delivery.id,
        runs: [],
        failedChecks: [
          {
            source,
            context: 'solstice/ci',
            title: 'x'.repeat(200),
            diagnostics: [
              { ...at, line: 3, column: 5, message: 'there is no node "jub"', hint: 'did you mean "job"?' },
              { ...at, line: 9, column: 1, message: 'a second job "a"' },
            ],
          },
        ],
        outcome: { state: 'failed', reason: 'every file is broken' },
      });
      expect(await store.deliveries.get(delivery.id)).toMatchObject({
        state: 'failed',
        reason: 'every file is broken',
      });
      const [check] = await store.checks.list({ commit: source.commit, limit: 10 });
      expect(check).toMatchObject({ context: 'solstice/ci', runId: undefined, desired: { state: 'failed' } });
      expect(check?.desired.title.length).toBeLessThanOrEqual(140);
      expect(check?.desired.text).toContain('.solstice/ci.kdl:3:5: error: there is no node "jub"');
      expect(check?.desired.text).toContain('did you mean "job"?');
      expect(check?.desired.text).toContain('.solstice/ci.kdl:9:1');
      expect(check?.desired.pageKey).toBeUndefined();
      expect(await scene().drainOutbox()).toEqual([{ kind: 'report', version: 1, forge: 'forge', checkId: check?.id }]);
    });

    it('gives the events of a run in their order', async () => {
      const { store } = scene();
      const host = await scene().host();
      const runId = await scene().plan(job('a'));
      await host.work();
      const events = await store.runs.events(runId);
      expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
      expect(events.map((event) => event.kind)).toEqual([
        'run.planned',
        'node.readied',
        'attempt.queued',
        'attempt.claimed',
        'attempt.started',
        'node.started',
        'run.started',
        'attempt.ended',
        'node.ended',
        'run.ended',
      ]);
      expect(await store.runs.events('3f1c8a52-0000-7000-8000-000000000000')).toEqual([]);
    });

    it('rejects commands to a run that there is not', async () => {
      const command = scene().store.runs.command('3f1c8a52-0000-7000-8000-000000000000', { kind: 'cancel', by: 'me' });
      await expect(command).rejects.toMatchObject({ code: 'not-found' });
    });

    it('runs a diamond from end to end', async () => {
      const host = await scene().host();
      const runId = await scene().plan(job('a'), job('b', ['a']), job('c', ['a']), job('d', ['b', 'c']));
      await host.work();
      const [left, right] = [await host.start(), await host.start()];
      expect([left.nodeId, right.nodeId].sort()).toEqual(['b', 'c']);
      expect(await host.tryClaim()).toBeUndefined();
      happened(await scene().store.attempts.finish(left.fence, { state: 'succeeded' }));
      happened(await scene().store.attempts.finish(right.fence, { state: 'succeeded' }));
      expect((await host.work()).nodeId).toBe('d');
      expect(await scene().run(runId)).toMatchObject({ state: 'succeeded', cause: undefined });
      expect((await scene().run(runId)).endedAt).toBeInstanceOf(Date);
    });
  });
}
