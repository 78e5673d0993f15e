import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isRefusal, type Refusal } from '../../flow/index.js';
import { assertReplays } from '../assert-replays.js';
import { createMemoryStore } from '../memory/memory-store.js';
import type { NewRunNumber, Store } from '../port/index.js';
import type { RunExport } from '../run-export/index.js';
import { made } from './reruns.contract.js';
import { exit3, gate, happened, job, lines, newRepository, Scene, spec, wait } from './scene.js';

/** Another installation, whose clock stands still a little after what it is here. */
async function elsewhere(here: Scene): Promise<Scene> {
  const { createdAt } = await here.store.repositories.upsert(newRepository('octo/other'));
  let now = createdAt.getTime() + 2_000;
  const store = createMemoryStore({ clock: { now: () => new Date(now) }, idSource: randomUUID });
  const advance = async (ms: number): Promise<void> => {
    now += ms;
  };
  return new Scene({ store, other: store, advance, close: () => store.close() });
}

function written(outcome: { document: RunExport } | Refusal): RunExport {
  if (isRefusal(outcome)) throw new Error(`refused: ${outcome.reason} (${outcome.state})`);
  // It travels as a file.
  return JSON.parse(JSON.stringify(outcome.document)) as RunExport;
}

function take(store: Store, document: unknown): Promise<NewRunNumber | Refusal> {
  return store.runs.import({ document, pageKey: randomUUID() });
}

/** A job that ended, with its log; a wait; a gate with an input; a job that fails and waits for its second attempt. */
async function waitingRun(scene: Scene): Promise<string> {
  const host = await scene.host();
  const retry = { times: 1, on: ['failed'], backoff: { minMs: 60_000, maxMs: 60_000 } };
  const input = { name: 'level', type: 'string' as const, default: 'info' };
  const run = await scene.newRun(
    spec(
      job('build'),
      wait('soak', 60_000, ['build']),
      gate('ship', ['build'], { inputs: [input], timeoutMs: 3_600_000 }),
      job('flaky', ['build'], { retry }),
      job('deploy', ['soak', 'ship', 'flaky']),
    ),
    { trigger: { event: 'tag', actor: 'ada' } },
  );
  await scene.planRuns(run);
  const build = await host.start();
  await scene.store.attempts.record(build.fence, [
    { seq: 1, at: new Date(1_700_000_000_000), kind: 'step-started', step: 0 },
    ...lines(2, 'compiling\n', 'done \u0000\n'),
    {
      ...{ seq: 4, at: new Date(1_700_000_001_000), kind: 'step-finished' as const, step: 0 },
      ...{ result: { state: 'succeeded' as const }, exitCode: 0 },
    },
  ]);
  happened(await scene.store.attempts.finish(build.fence, { state: 'succeeded', outputs: { version: '1.2' } }));
  await scene.store.attempts.releaseWorker(build.workerId);
  await host.work('failed');
  return run.runId;
}

export function describeRunTransfers(scene: () => Scene): void {
  describe('a run that goes to another installation', () => {
    it('ends here, and gives the same document as often as it is asked for', async () => {
      const { store } = scene();
      const runId = await waitingRun(scene());
      const document = written(await store.runs.export(runId, 'mara'));
      expect(document).toMatchObject({
        format: 'solstice-run',
        exportedBy: 'mara',
        run: { id: runId, number: 1, workflow: 'ci' },
        source: { forge: 'forge', repository: 'octo/app', ref: 'refs/heads/main' },
        trigger: { event: 'tag', actor: 'ada' },
        checkContext: 'solstice/ci',
      });
      expect(await scene().run(runId)).toMatchObject({ state: 'cancelled', cause: { kind: 'exported', by: 'mara' } });
      expect(await store.timers.ofRun(runId)).toEqual([]);
      expect(await store.runs.list({ waiting: true, limit: 10 })).toEqual([]);
      await scene().under.advance(3_600_000);
      expect(await (await scene().host('birch')).tryClaim()).toBeUndefined();
      const again = await store.runs.export(runId, 'another');
      expect(written(again)).toEqual(document);
      expect(again).toMatchObject({ events: [] });
    });

    it('does not end here for a document that no import would take', async () => {
      const { store } = scene();
      const { source, ...run } = await scene().newRun(spec(job('a'), gate('ask')));
      await scene().planRuns({ ...run, source: { ...source, commit: 'the newest' } });
      const before = await scene().run(run.runId);
      const events = await store.runs.events(run.runId);
      expect(await store.runs.export(run.runId, 'mara')).toEqual({
        ...{ refused: true, state: 'running' },
        reason: expect.stringMatching(
          /^no import would take it\. .*source\.commit.*It goes on here, and nothing was changed$/,
        ),
      });
      expect(await scene().run(run.runId)).toEqual(before);
      expect(await store.runs.events(run.runId)).toEqual(events);
    });

    for (const direction of ['goes on there', 'comes from there'] as const) {
      it(`${direction}: with its past, its timers, its gate and its next attempt`, async () => {
        const [from, to] =
          direction === 'goes on there' ? [scene(), await elsewhere(scene())] : [await elsewhere(scene()), scene()];
        const runId = await waitingRun(from);
        const before = await from.run(runId);
        const document = written(await from.store.runs.export(runId, 'mara'));
        await to.plan(job('first'));
        const repository = await to.repository();
        await to.drainOutbox();
        const answer = made(await take(to.store, document));
        expect(answer).toMatchObject({ id: runId, number: 2 });

        const after = await to.run(runId);
        expect(after).toMatchObject({
          ...{ state: before.state, createdAt: before.createdAt, startedAt: before.startedAt },
          ...{ spec: before.spec, trigger: before.trigger, cancelRequested: undefined, pageKey: answer.pageKey },
          source: { repositoryId: repository.id, commit: before.source.commit, title: before.source.title },
        });
        const past = (run: typeof after) =>
          run.nodes.map(({ id, state, outputs, waitingFor, waitsUntil, attempts }) => {
            return { id, state, outputs, waitingFor: id === 'flaky' ? '' : waitingFor, waitsUntil, attempts };
          });
        expect(past(after)).toEqual(past(before));
        expect(await to.logText(`${runId}/build/1`)).toBe('compiling\ndone \u0000\n');
        expect(await to.store.timers.ofRun(runId)).toHaveLength(3);
        const [check] = await to.store.checks.list({ runId, limit: 10 });
        expect(check).toMatchObject({ context: 'solstice/ci', desired: { pageKey: answer.pageKey } });

        await to.under.advance(65_000);
        for (let round = 0; round < 5 && (await to.store.timers.fire(10)).fired > 0; round += 1);
        expect(await to.nodeStates(runId)).toMatchObject({ soak: 'succeeded', ship: 'running', flaky: 'ready' });
        const decision = {
          nodeId: 'ship',
          verdict: 'approve' as const,
          by: 'bo',
          teams: [],
          inputs: { level: 'debug' },
        };
        happened(await to.store.runs.command(runId, { kind: 'decide', requestId: 'r1', ...decision }));
        const host = await to.host();
        const done: string[] = [];
        for (let claim = await host.tryClaim(); claim !== undefined; claim = await host.tryClaim()) {
          happened(await to.store.attempts.start(claim.fence));
          await host.finish(claim.fence);
          done.push(`${claim.nodeId}/${claim.attemptNumber}`);
        }
        expect(done).toEqual(['first/1', 'flaky/2', 'deploy/1']);
        expect(await to.run(runId)).toMatchObject({ state: 'succeeded' });
        expect((await to.run(runId)).nodes[2]).toMatchObject({ outputs: { level: 'debug' } });
        await assertReplays(from.store);
        await assertReplays(to.store);
      });
    }

    it('has what was queued told of again', async () => {
      const runId = await scene().plan(job('a'), job('b', ['a']));
      const document = written(await scene().store.runs.export(runId, 'mara'));
      const to = await elsewhere(scene());
      await to.repository();
      made(await take(to.store, document));
      const messages = await to.drainOutbox();
      expect(messages.filter(({ kind }) => kind === 'job')).toEqual([
        { kind: 'job', version: 1, pool: 'default', attemptId: `${runId}/a/1` },
      ]);
      expect(messages.filter(({ kind }) => kind === 'report')).toHaveLength(1);
      const host = await to.host();
      expect((await host.work()).nodeId).toBe('a');
      expect((await host.work()).nodeId).toBe('b');
      expect(await to.run(runId)).toMatchObject({ state: 'succeeded' });
    });

    it('stays while a host has anything of it, and when it is over', async () => {
      const { store } = scene();
      const host = await scene().host();
      const runId = await scene().plan(job('a'), wait('soak', 60_000));
      const { fence } = await host.claim();
      expect(await store.runs.export(runId, 'mara')).toMatchObject({ refused: true, state: 'running' });
      expect(await scene().nodeStates(runId)).toEqual({ a: 'ready', soak: 'running' });
      happened(await store.attempts.start(fence));
      await host.finish(fence, 'failed');
      happened(await store.runs.command(runId, { kind: 'cancel', by: 'mara' }));
      expect(await store.runs.export(runId, 'mara')).toMatchObject({ refused: true, state: 'cancelled' });
      await expect(store.runs.export(randomUUID(), 'mara')).rejects.toMatchObject({ code: 'not-found' });
    });

    it('is taken once, also by two at once, and not without its repository', async () => {
      const from = await elsewhere(scene());
      const runId = await waitingRun(from);
      const document = written(await from.store.runs.export(runId, 'mara'));
      const { store, other } = scene().under;
      await expect(take(store, document)).rejects.toMatchObject({
        code: 'not-found',
        message: expect.stringContaining('octo/app'),
        hint: expect.stringContaining('ciadm repo add octo/app --forge forge'),
      });
      await scene().repository();
      const answers = await Promise.all([take(store, document), take(other, document)]);
      expect(answers.filter(isRefusal)).toHaveLength(1);
      const reason = expect.stringContaining('as run 1');
      expect(await take(store, document)).toMatchObject({ refused: true, state: 'running', reason });
      expect(await store.runs.list({ limit: 10 })).toHaveLength(1);
      expect(await from.store.runs.import({ document, pageKey: randomUUID() })).toMatchObject({ state: 'cancelled' });
    });

    it('is not called refused by who brought it and asks again, by its key', async () => {
      const from = await elsewhere(scene());
      const document = written(await from.store.runs.export(await waitingRun(from), 'mara'));
      await scene().repository();
      const { store, other } = scene().under;
      const request = { document, requestKey: { key: 'k1', fingerprint: 'f' } };
      const answers = await Promise.all(
        Array.from({ length: 6 }, (_, index) =>
          (index % 2 ? store : other).runs.import({ ...request, pageKey: randomUUID() }),
        ),
      );
      const [first] = answers.map(made);
      expect(answers).toEqual(answers.map(() => first));
      expect(await take(store, document)).toMatchObject({ refused: true });
    });

    it('may be done again there, also what stayed behind', async () => {
      const from = await elsewhere(scene());
      const host = await from.host();
      const first = await from.plan(job('a'), gate('g', ['a']), job('b', ['g']));
      await host.work();
      const said = { by: 'ada', verdict: 'approve' as const, inputs: {}, requestId: 'once' };
      happened(await from.store.runs.command(first, { kind: 'decide', nodeId: 'g', teams: [], ...said }));
      await host.work('failed');
      const request = { which: { kind: 'failed' as const }, pageKey: randomUUID(), by: 'mara' };
      const { id } = made(await from.store.runs.rerun({ runId: first, newRunId: randomUUID(), ...request }));
      const document = written(await from.store.runs.export(id, 'mara'));
      await scene().repository();
      made(await take(scene().store, document));
      await scene().under.advance(5_000); // Two clocks are never the same.
      const run = await scene().run(id);
      expect(run.rerun).toEqual({ of: first, generation: 1, by: 'mara' });
      const reusedFrom = { runId: first };
      const reused = [
        { state: 'succeeded', reusedFrom },
        { state: 'succeeded', reusedFrom, decisions: [said] },
      ];
      expect(run.nodes).toMatchObject([...reused, { state: 'ready' }]);
      await (await scene().host()).work('failed');
      const again = { runId: id, newRunId: randomUUID(), ...request, pageKey: randomUUID() };
      const third = made(await scene().store.runs.rerun(again));
      expect(await scene().run(third.id)).toMatchObject({
        rerun: { of: id, number: 1, generation: 2 },
        nodes: [...reused, { state: 'ready' }],
      });
    });

    it('goes on there with what follows its deadline', async () => {
      const nodes = [gate('ship'), wait('after', 60_000, [], { onFailure: true })];
      const run = await scene().newRun({ ...spec(...nodes), deadlineMs: 5_000 });
      await scene().planRuns(run);
      await scene().under.advance(5_000);
      await scene().store.timers.fire(10);
      expect(await scene().nodeStates(run.runId)).toEqual({ ship: 'cancelled', after: 'running' });
      const to = await elsewhere(scene());
      await to.repository();
      made(await take(to.store, written(await scene().store.runs.export(run.runId, 'mara'))));
      expect(await to.nodeStates(run.runId)).toEqual({ ship: 'cancelled', after: 'running' });
      await to.under.advance(65_000);
      await to.store.timers.fire(10);
      const cause = { kind: 'clock', clock: 'workflow', limitMs: 5_000 };
      expect(await to.run(run.runId)).toMatchObject({ state: 'failed', cause, nodes: [{}, { state: 'succeeded' }] });
      await assertReplays(to.store);
    });

    it('takes its place in its concurrency group, and nobody else’s', async () => {
      const grouped = { ...spec(gate('open')), concurrency: { group: 'main', policy: 'supersede' as const } };
      const from = await elsewhere(scene());
      const run = await from.newRun(grouped);
      await from.planRuns(run);
      const document = written(await from.store.runs.export(run.runId, 'mara'));
      const own = await scene().newRun(grouped);
      await scene().planRuns(own);
      made(await take(scene().store, document));
      await scene().store.concurrency.settle(10);
      expect(await scene().run(own.runId)).toMatchObject({ state: 'running' });
      expect(await scene().run(run.runId)).toMatchObject({ state: 'running' });
    });

    it('brings the end of a log that is too long, and says so', async () => {
      const host = await scene().host();
      const runId = await scene().plan(job('a'), gate('open'));
      const { fence, workerId } = await host.start();
      const piece = 'x'.repeat(3 * 1024 * 1024);
      for (let seq = 1; seq <= 6; seq += 1) {
        await scene().store.attempts.record(fence, lines(seq, `${seq}${piece}`));
      }
      await host.finish(fence);
      await scene().store.attempts.releaseWorker(workerId);
      const document = written(await scene().store.runs.export(runId, 'mara'));
      const to = await elsewhere(scene());
      await to.repository();
      made(await take(to.store, document));
      const text = await to.logText(`${runId}/a/1`);
      expect(text).toMatch(/^\[solstice\] What was printed before this \(3145729 bytes\) stayed in the installation/);
      expect(text.split('\n')[1]).toBe([2, 3, 4, 5, 6].map((seq) => `${seq}${piece}`).join(''));
    });

    it('is not taken when somebody has edited it', async () => {
      const from = await elsewhere(scene());
      const runId = await waitingRun(from);
      const good = written(await from.store.runs.export(runId, 'mara'));
      await scene().repository();
      const { store } = scene();
      type Edit = (document: Omit<RunExport, 'events'> & { events: Record<string, unknown>[] }) => void;
      const edits: Record<string, Edit> = {
        'another format': (document) => Object.assign(document, { format: 'a run' }),
        'a field nobody knows': (document) => Object.assign(document, { extra: 1 }),
        'no events': (document) => document.events.splice(0),
        'an event left out': (document) => document.events.splice(3, 1),
        'an event twice': (document) => document.events.splice(3, 0, document.events[3] ?? {}),
        'an event of no kind': (document) => Object.assign(document.events[3] ?? {}, { kind: 'node.liked' }),
        'an end that was not there': (document) => {
          const at = document.events.findIndex(({ kind }) => kind === 'node.ended');
          const { seq, ...event } = document.events[at] ?? {};
          document.events.splice(at + 1, 0, { ...event, seq: Number(seq) + 1 });
        },
        'without its export': (document) => {
          const at = document.events.findIndex(({ kind }) => kind === 'run.cancel-requested');
          document.events.splice(at);
        },
        'another run': (document) => Object.assign(document.run, { id: randomUUID() }),
        'an id that is none': (document) => Object.assign(document.run, { id: '7' }),
        'a time that there is not': (document) => Object.assign(document.events[0] ?? {}, { at: 8.64e15 }),
        'a wait beyond all time': (document) => {
          const [planned] = document.events as { spec?: { nodes: object[] } }[];
          Object.assign(planned?.spec?.nodes[1] ?? {}, { forMs: Number.MAX_SAFE_INTEGER });
        },
        'a circle of needs': (document) => {
          const [planned] = document.events as { spec?: { nodes: object[] } }[];
          Object.assign(planned?.spec?.nodes[0] ?? {}, { needs: ['deploy'] });
        },
        'an attempt that a host has': (document) => {
          const at = document.events.findIndex(({ kind }) => kind === 'run.cancel-requested');
          const seq = Number(document.events[at]?.seq);
          const ids = { attemptId: `${runId}/flaky/2`, hostId: 'alder', workerId: 'w', requestId: 'q' };
          const claimed = { seq, at: document.events[at]?.at, kind: 'attempt.claimed', ...ids };
          document.events.splice(at, 0, claimed);
          for (const event of document.events.slice(at + 1)) event.seq = Number(event.seq) + 1;
        },
        'a gate that never opened': (document) => {
          const opened = (event: Record<string, unknown>) => event.nodeId === 'ship' && event.kind !== 'node.ended';
          document.events = document.events.filter((event) => !opened(event));
          for (const [index, event] of document.events.entries()) event.seq = index + 1;
          const ended = document.events.findIndex(({ kind, nodeId }) => kind === 'node.ended' && nodeId === 'ship');
          Object.assign(document.events[ended] ?? {}, { state: 'cancelled' });
        },
        'a log of no attempt': (document) => Object.assign(document.attempts[0] ?? {}, { id: `${runId}/build/2` }),
        'a log out of order': (document) => document.attempts[0]?.log.reverse(),
        'a step too many': (document) => document.attempts[0]?.steps.push({ index: 9, state: 'succeeded' }),
      };
      for (const [name, edit] of Object.entries(edits)) {
        const document = structuredClone(good) as unknown as Parameters<Edit>[0];
        edit(document);
        await expect(take(store, document), name).rejects.toMatchObject({
          code: 'usage',
          message: expect.stringContaining('This is no run that was exported, or it was changed since: '),
        });
      }
      await expect(take(store, { ...good, version: 2 })).rejects.toMatchObject({
        code: 'usage',
        message: 'This file has form 2, and this version reads form 1.',
      });
      for (const nothing of [undefined, null, 'run', []]) {
        await expect(take(store, nothing)).rejects.toMatchObject({ code: 'usage' });
      }
      expect(await store.runs.list({ limit: 10 })).toEqual([]);
      made(await take(store, good));
      expect(await scene().run(runId)).toMatchObject({ nodes: [{}, {}, {}, { attempts: [{ cause: exit3 }, {}] }, {}] });
    });
  });
}
