import { describe, expect, it } from 'vitest';
import { happened, job, type Scene } from './scene.js';

export function describeCancel(scene: () => Scene): void {
  describe('cancel', () => {
    const cancel = { kind: 'cancel', by: 'mara', reason: 'wrong branch' } as const;
    const cause = { kind: 'cancelled', by: 'mara', reason: 'wrong branch' } as const;

    it('ends at once what nobody has claimed', async () => {
      const host = await scene().host();
      const runId = await scene().plan(job('a'), job('b', ['a']));
      happened(await scene().store.runs.command(runId, cancel));
      expect(await scene().run(runId)).toMatchObject({
        state: 'cancelled',
        cause,
        cancelRequested: { by: 'mara', reason: 'wrong branch' },
      });
      expect((await scene().run(runId)).cancelRequested?.at).toBeInstanceOf(Date);
      expect(await host.tryClaim()).toBeUndefined();
    });

    it('is an intent for what a host has, and rings that host', async () => {
      const { store } = scene();
      const host = await scene().host();
      const runId = await scene().plan(job('a'), job('b'), job('c', ['a']));
      const [a, b] = [await host.start(), await host.claim()];
      await scene().drainOutbox();
      happened(await store.runs.command(runId, cancel));
      expect(await scene().drainOutbox()).toContainEqual({ kind: 'host', version: 1, hostId: 'alder' });
      expect(happened(await store.runs.command(runId, cancel)).events).toEqual([]);
      expect(await scene().drainOutbox()).toEqual([]);
      const wanted = [a, b].map(({ fence }) => ({ attemptId: fence.attemptId, by: 'mara', reason: 'wrong branch' }));
      expect(await store.attempts.cancelRequested('alder')).toEqual(wanted);
      expect(await store.attempts.cancelRequested('birch')).toEqual([]);
      expect(await store.attempts.start(b.fence)).toMatchObject({ refused: true, state: 'claimed' });
      expect(await scene().nodeStates(runId)).toEqual({ a: 'running', b: 'ready', c: 'cancelled' });

      happened(await store.attempts.finish(a.fence, { state: 'succeeded' }));
      happened(await store.attempts.finish(b.fence, { state: 'cancelled', cause }));
      expect(await store.attempts.cancelRequested('alder')).toEqual([]);
      expect(await scene().nodeStates(runId)).toEqual({ a: 'cancelled', b: 'cancelled', c: 'cancelled' });
      expect(await scene().run(runId)).toMatchObject({ state: 'cancelled', cause });
      expect(happened(await store.attempts.finish(a.fence, { state: 'succeeded' })).events).toEqual([]);
    });

    it('is not followed by another attempt', async () => {
      const host = await scene().host();
      const runId = await scene().plan(job('a'));
      const { fence } = await host.start();
      happened(await scene().store.runs.command(runId, cancel));
      happened(await scene().store.attempts.lose(fence, 'gone'));
      const run = await scene().run(runId);
      expect(run).toMatchObject({ state: 'cancelled' });
      expect(run.nodes[0]?.attempts).toMatchObject([{ state: 'cancelled', cause: { kind: 'lost' } }]);
    });

    it('comes too late after a result, and says the state', async () => {
      const host = await scene().host();
      const runId = await scene().plan(job('a'));
      await host.work('failed');
      expect(await scene().store.runs.command(runId, cancel)).toMatchObject({ refused: true, state: 'failed' });
      expect(await scene().run(runId)).toMatchObject({ state: 'failed', cancelRequested: undefined });
    });

    it('or the result wins, never both', async () => {
      const { store, other } = scene().under;
      const host = await scene().host();
      for (let round = 0; round < 10; round += 1) {
        const runId = await scene().plan(job('a'));
        const claim = await host.start();
        const [cancelled, finished] = await Promise.all([
          other.runs.command(runId, cancel),
          store.attempts.finish(claim.fence, { state: 'succeeded' }),
        ]);
        happened(finished);
        const { state, cancelRequested } = await scene().run(runId);
        expect(state).toBe('refused' in cancelled ? 'succeeded' : 'cancelled');
        expect(cancelRequested === undefined).toBe('refused' in cancelled);
        await store.attempts.releaseWorker(claim.workerId);
      }
    });

    it('takes a lost attempt by the command of an operator too', async () => {
      const host = await scene().host();
      const runId = await scene().plan(job('a'));
      const { fence } = await host.start();
      const lose = { kind: 'lose', attemptId: fence.attemptId, detail: 'an operator said so' } as const;
      happened(await scene().store.runs.command(runId, lose));
      await expect(scene().store.attempts.finish(fence, { state: 'succeeded' })).rejects.toMatchObject({
        code: 'fence-lost',
      });
      expect(await scene().store.runs.command(runId, lose)).toMatchObject({ refused: true, state: 'lost' });
      expect(await scene().nodeStates(runId)).toEqual({ a: 'ready' });
    });
  });
}
