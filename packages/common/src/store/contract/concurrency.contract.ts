import { describe, expect, it } from 'vitest';
import { isTerminal, type RunSpec } from '../../flow/index.js';
import type { NewRun } from '../port/index.js';
import { happened, job, type Scene, spec } from './scene.js';

type Policy = 'supersede' | 'queue' | 'allow';

export function describeConcurrency(scene: () => Scene): void {
  describe('concurrency groups', () => {
    const specOf = (policy: Policy, group = 'main', workflow = 'ci'): RunSpec => ({
      ...spec(job('a'), job('b', ['a'])),
      workflow: { name: workflow, file: `.solstice/${workflow}.kdl` },
      concurrency: { group, policy },
    });
    const runOf = (policy: Policy, group?: string, workflow?: string): Promise<NewRun> =>
      scene().newRun(specOf(policy, group, workflow));
    /** A run by hand. */
    const plan = async (policy: Policy, group?: string, workflow?: string): Promise<string> => {
      const run = await runOf(policy, group, workflow);
      await scene().planRuns(run);
      return run.runId;
    };
    /** A run of an event that came in before. */
    const planOf = async (deliveryId: string, ...runs: NewRun[]): Promise<string[]> => {
      await scene().store.runs.plan({
        ...{ deliveryId, runs, failedChecks: [] },
        outcome: { state: 'planned', reason: undefined },
      });
      return runs.map(({ runId }) => runId);
    };
    const stateOf = async (runId: string): Promise<string> => {
      const { state, held } = await scene().run(runId);
      return held === true ? 'held' : state;
    };
    const states = (...runIds: string[]): Promise<string[]> => Promise.all(runIds.map(stateOf));
    const settle = async (): Promise<number> => {
      let all = 0;
      for (;;) {
        const { settled } = await scene().store.concurrency.settle(10);
        if (settled === 0) return all;
        all += settled;
      }
    };
    const members = async (group = 'main'): Promise<string[]> =>
      (await scene().store.concurrency.members((await scene().repository()).id, group)).map(({ runId }) => runId);
    const cancel = async (runId: string): Promise<void> => {
      happened(await scene().store.runs.command(runId, { kind: 'cancel', by: 'mara' }));
    };

    it('of policy queue let one go on after the other, in their order', async () => {
      const [first, second, third] = [await plan('queue'), await plan('queue'), await plan('queue')];
      expect(await states(first, second, third)).toEqual(['queued', 'held', 'held']);
      expect(await settle()).toBe(0);
      expect(await scene().nodeStates(second)).toEqual({ a: 'waiting', b: 'waiting' });
      expect(await scene().waitingFor(second, 'a')).toMatch(/main/);
      await cancel(first);
      expect(await states(first, second, third)).toEqual(['cancelled', 'held', 'held']);
      expect(await settle()).toBe(1);
      expect(await states(second, third)).toEqual(['queued', 'held']);
      expect(await scene().nodeStates(second)).toEqual({ a: 'ready', b: 'waiting' });
      await cancel(third);
      await cancel(second);
      await settle();
      expect(await members()).toEqual([]);
      expect(await stateOf(await plan('queue'))).toBe('queued');
    });

    it('are met, however few at once, although others have nothing to do', async () => {
      for (const group of ['x', 'y', 'z']) await plan('queue', group);
      const [first, second] = [await plan('queue'), await plan('queue')];
      await cancel(first);
      // The place of the one that has ended is free before the next has it.
      for (let pass = 0; pass < 2; pass += 1) await scene().store.concurrency.settle(1);
      expect(await stateOf(second)).toBe('queued');
    });

    it('tell of those that only leave, so that nobody behind many of them waits for long', async () => {
      for (const group of ['x', 'y', 'z']) await cancel(await plan('queue', group));
      const [first, second] = [await plan('queue'), await plan('queue')];
      await cancel(first);
      const all = { settled: 0, left: 0 };
      for (;;) {
        const { settled, left } = await scene().store.concurrency.settle(1);
        if (settled + left === 0) break;
        all.settled += settled;
        all.left += left;
      }
      // Three members with their groups, and the first of the last one.
      expect(all).toEqual({ settled: 1, left: 7 });
      expect(await states(first, second)).toEqual(['cancelled', 'queued']);
      expect(await Promise.all(['x', 'y', 'z', 'main'].map((group) => members(group)))).toEqual([[], [], [], [second]]);
    });

    it('admit by the end of a run as a host works it off', async () => {
      const host = await scene().host();
      const [first, second] = [await plan('queue'), await plan('queue')];
      expect((await host.work()).runId).toBe(first);
      expect((await host.work()).runId).toBe(first);
      expect(await host.tryClaim()).toBeUndefined();
      await settle();
      expect((await host.work()).runId).toBe(second);
    });

    it('pass over one that was cancelled while it was held', async () => {
      const [first, second, third] = [await plan('queue'), await plan('queue'), await plan('queue')];
      await cancel(second);
      expect(await states(first, second, third)).toEqual(['queued', 'cancelled', 'held']);
      await cancel(first);
      await settle();
      expect(await stateOf(third)).toBe('queued');
    });

    it('are in the order of the events, whichever was planned first', async () => {
      const [older, newer] = [await scene().deliver(), await scene().deliver()];
      const active = await plan('queue');
      const [second] = await planOf(newer.id, await runOf('queue'));
      const [first] = await planOf(older.id, await runOf('queue'));
      expect(await states(active, first ?? '', second ?? '')).toEqual(['queued', 'held', 'held']);
      expect(await members()).toEqual([first, second, active]);
      await cancel(active);
      await settle();
      expect(await states(first ?? '', second ?? '')).toEqual(['queued', 'held']);
    });

    it('of policy supersede have a newer run take the place of older ones, whatever they do', async () => {
      const host = await scene().host();
      const first = await plan('supersede');
      const claim = await host.start();
      const second = await plan('supersede');
      const third = await plan('supersede');
      expect(await states(first, second, third)).toEqual(['running', 'queued', 'queued']);
      expect(await settle()).toBe(2);
      expect(await states(first, second, third)).toEqual(['running', 'superseded', 'queued']);
      expect((await scene().run(second)).cause).toMatchObject({ kind: 'superseded', runId: third });
      expect(await settle()).toBe(0);
      happened(
        await scene().store.attempts.finish(claim.fence, {
          state: 'cancelled',
          cause: { kind: 'exit', step: 0, stepName: 'a', exitCode: 1 },
        }),
      );
      expect(await stateOf(first)).toBe('superseded');
    });

    it('are born superseded by one that was planned before, as long as older events may come, and not by what was forgotten', async () => {
      const [older, newer] = [await scene().deliver(), await scene().deliver()];
      const [second] = await planOf(newer.id, await runOf('supersede'));
      await cancel(second ?? '');
      await settle();
      expect(await members()).toEqual([second]);
      const [first] = await planOf(older.id, await runOf('supersede'));
      const run = await scene().run(first ?? '');
      expect(run).toMatchObject({ state: 'superseded', cause: { kind: 'superseded', runId: second } });
      expect(run.nodes.map(({ state }) => state)).toEqual(['cancelled', 'cancelled']);
      await settle();
      expect(await members()).toEqual([]);
    });

    it('of another repository, name, or workflow have nothing to do with each other', async () => {
      const queued = await plan('queue', 'one');
      expect(await stateOf(await plan('queue', 'two'))).toBe('queued');
      expect(await stateOf(await plan('allow', 'one'))).toBe('queued');
      const elsewhere = await scene().store.repositories.upsert({
        ...(await scene().repository()),
        ...{ name: 'octo/other', forgeRepositoryId: undefined },
      });
      const run = await scene().newRun(specOf('queue', 'one'), {
        source: await scene().source({ repositoryId: elsewhere.id }),
      });
      await scene().planRuns(run);
      expect(await stateOf(run.runId)).toBe('queued');
      // A queue is one for all workflows that name it; a place is taken by the same workflow only.
      expect(await stateOf(await plan('queue', 'one', 'deploy'))).toBe('held');
      const bench = await plan('supersede', 'three', 'bench');
      const tests = await plan('supersede', 'three', 'tests');
      await settle();
      expect(await states(queued, bench, tests)).toEqual(['queued', 'queued', 'queued']);
    });

    it('hold back all but the first of one plan', async () => {
      const [one, two] = [await runOf('queue', 'main', 'a'), await runOf('queue', 'main', 'b')];
      await scene().planRuns(one, two);
      expect(await states(one.runId, two.runId)).toEqual(['queued', 'held']);
    });

    it('have a rerun where its run was: a newer one that goes on comes first, one that has ended does not', async () => {
      const first = await plan('supersede');
      await cancel(first);
      const second = await plan('supersede');
      const again = (of = first): Promise<NewRun> =>
        scene()
          .newRun(specOf('supersede'))
          .then((run) => ({ ...run, origin: { rerun: { of, generation: 1, by: 'mara' } } }));
      const tooLate = await again();
      await scene().planRuns(tooLate);
      expect(await states(tooLate.runId, second)).toEqual(['superseded', 'queued']);
      // Also a rerun of that one, which never counted.
      const thatAgain = await again(tooLate.runId);
      await scene().planRuns(thatAgain);
      await settle();
      expect(await states(thatAgain.runId, second)).toEqual(['superseded', 'queued']);
      await cancel(second);
      const wished = await again();
      await scene().planRuns(wished);
      await settle();
      expect(await stateOf(wished.runId)).toBe('queued');
    });

    it('tell of themselves', async () => {
      const told: string[] = [];
      const stop = scene().under.other.changes.on('concurrency', () => told.push('concurrency'));
      const runId = await plan('queue');
      await expect.poll(() => told.length).toBeGreaterThan(0);
      await settle();
      told.length = 0;
      await cancel(runId);
      await expect.poll(() => told.length).toBeGreaterThan(0);
      stop();
    });

    it('plan at once as they plan one after the other: one goes on', async () => {
      const { store, other } = scene().under;
      const runs = await Promise.all(Array.from({ length: 8 }, () => runOf('queue')));
      await Promise.all(
        runs.map((run, index) =>
          (index % 2 === 0 ? store : other).runs.plan({
            ...{ deliveryId: undefined, runs: [run], failedChecks: [] },
            outcome: { state: 'planned', reason: undefined },
          }),
        ),
      );
      const now = await states(...runs.map(({ runId }) => runId));
      expect(now.filter((state) => state === 'queued')).toHaveLength(1);
      expect(now.filter((state) => state === 'held')).toHaveLength(7);
    });

    it('in a storm of plans, ends and settlers have one active run at most, and leave nothing behind', async () => {
      const { store, other } = scene().under;
      const all: string[] = [];
      const groups = ['main', 'next'];
      const open = async (): Promise<string[]> => {
        const now = await Promise.all(all.map(async (runId) => [runId, await stateOf(runId)] as const));
        return now.filter(([, state]) => !['succeeded', 'cancelled', 'superseded'].includes(state)).map(([id]) => id);
      };
      const activeIn = async (group: string): Promise<string[]> =>
        (await store.concurrency.members((await scene().repository()).id, group))
          .filter(({ held, ended }) => !held && !ended)
          .map(({ runId }) => runId);
      for (let round = 0; round < 12 || (await open()).length > 0; round += 1) {
        expect(round, 'runs are still open').toBeLessThan(200);
        const planned = round < 12 ? await Promise.all(groups.map((group) => runOf('queue', group))) : [];
        all.push(...planned.map(({ runId }) => runId));
        const ending = (await Promise.all(groups.map(activeIn))).flat();
        await Promise.all([
          ...planned.map((run) => scene().planRuns(run)),
          ...ending.map((runId) => other.runs.command(runId, { kind: 'cancel', by: 'mara' })),
          ...[store, other, store, other].map(({ concurrency }) => concurrency.settle(10)),
        ]);
        for (const group of groups) expect((await activeIn(group)).length).toBeLessThanOrEqual(1);
      }
      for (let round = 0; (await Promise.all(groups.map(members))).flat().length > 0; round += 1) {
        expect(round, 'members are still there').toBeLessThan(20);
        await store.concurrency.settle(10);
      }
      for (const runId of all) {
        const kinds = (await store.runs.events(runId)).map(({ kind }) => kind);
        expect(kinds.filter((kind) => kind === 'run.admitted').length).toBeLessThanOrEqual(1);
        expect(isTerminal((await scene().run(runId)).state)).toBe(true);
      }
    });
  });
}
