import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isRefusal } from '../../flow/index.js';
import { REQUEST_KEPT_MS, type RequestKey, type Store } from '../port/index.js';
import { made } from './reruns.contract.js';
import { gate, job, type Scene, spec } from './scene.js';

const asked: RequestKey = { key: 'k1', fingerprint: 'a'.repeat(64) };
const otherwise: RequestKey = { key: 'k1', fingerprint: 'b'.repeat(64) };

export function describeRequestKeys(scene: () => Scene): void {
  const rerun = (runId: string, requestKey: RequestKey | undefined, store: Store = scene().store) =>
    store.runs.rerun({
      ...{ runId, which: { kind: 'all' }, newRunId: randomUUID(), pageKey: randomUUID(), by: 'mara', requestKey },
    });
  const trigger = async (requestKey: RequestKey | undefined, store: Store = scene().store) =>
    await store.runs.plan({
      ...{ deliveryId: undefined, runs: [await scene().newRun(spec(job('a')))], failedChecks: [], requestKey },
      outcome: { state: 'planned', reason: 'other.kdl is broken' },
    });
  const endedRun = async (): Promise<string> => {
    const runId = await scene().plan(job('a'));
    await (await scene().host()).work();
    return runId;
  };
  const numbers = async () => (await scene().store.runs.list({ limit: 100 })).map(({ number }) => number);

  describe('a request with a key', () => {
    it('makes one run, however often and by however many at once it is asked for', async () => {
      const { store, other } = scene().under;
      const runId = await endedRun();
      const racers = await Promise.all(
        Array.from({ length: 50 }, (_, index) => rerun(runId, asked, index % 2 ? store : other)),
      );
      const first = made(racers[0] ?? { refused: true, reason: 'nobody ran', state: 'none' });
      expect(racers).toEqual(racers.map(() => first));
      expect(await numbers()).toEqual([2, 1]);
      expect(made(await rerun(runId, { ...asked, key: 'k2' })).number).not.toBe(first.number);
      expect(made(await rerun(runId, undefined)).number).not.toBe(first.number);
    });

    it('plans by hand once, and says the same of it again', async () => {
      const { store, other } = scene().under;
      const racers = await Promise.all(Array.from({ length: 20 }, (_, i) => trigger(asked, i % 2 ? store : other)));
      expect(racers.filter(({ planned }) => planned)).toHaveLength(1);
      const [first] = racers;
      expect(racers.map(({ runs }) => runs)).toEqual(racers.map(() => first?.runs));
      expect(await numbers()).toHaveLength(1);
      expect(await store.requestKeys.find(asked)).toEqual({ runs: first?.runs, reason: 'other.kdl is broken' });
      expect(await store.checks.list({ limit: 10 })).toHaveLength(1);
    });

    it('that would bring a run which is here already leaves its key free', async () => {
      const { store } = scene();
      const runId = await scene().plan(gate('ask'));
      const exported = await store.runs.export(runId, 'mara');
      if (isRefusal(exported)) throw new Error(exported.reason);
      const request = { document: JSON.parse(JSON.stringify(exported.document)), pageKey: randomUUID() };
      expect(await store.runs.import({ ...request, requestKey: asked })).toMatchObject({ refused: true });
      expect(await store.requestKeys.find(asked)).toBeUndefined();
    });

    it('is told when its key belongs to another one, and makes nothing', async () => {
      const { store } = scene();
      const runId = await endedRun();
      const { number } = made(await rerun(runId, asked));
      const reused = { code: 'request-key-reused', message: expect.stringContaining(`which made run ${number}`) };
      await expect(rerun(runId, otherwise)).rejects.toMatchObject(reused);
      await expect(trigger(otherwise)).rejects.toMatchObject(reused);
      await expect(store.requestKeys.find(otherwise)).rejects.toMatchObject(reused);
      expect(await numbers()).toEqual([2, 1]);
    });

    it('that was refused, or failed, may be asked for again', async () => {
      const runId = await scene().plan(job('a'));
      expect(await rerun(runId, asked)).toMatchObject({ refused: true });
      await expect(rerun(randomUUID(), asked)).rejects.toMatchObject({ code: 'not-found' });
      await (await scene().host()).work();
      expect(made(await rerun(runId, asked)).number).toBe(2);
    });

    it('is known for a day, and forgotten after it', async () => {
      const { store, advance } = scene().under;
      const runId = await endedRun();
      const first = made(await rerun(runId, asked));
      await advance(REQUEST_KEPT_MS - 60_000);
      await rerun(runId, { ...asked, key: 'k2' });
      expect(await store.requestKeys.forget(10)).toBe(0);
      expect(made(await rerun(runId, asked))).toEqual(first);
      await advance(120_000);
      expect(await store.requestKeys.forget(10)).toBe(1);
      expect(await store.requestKeys.find(asked)).toBeUndefined();
      expect(made(await rerun(runId, asked)).number).toBe(4);
      await advance(REQUEST_KEPT_MS + 60_000);
      expect(await store.requestKeys.forget(1)).toBe(1);
      expect(await store.requestKeys.forget(10)).toBe(1);
    });
  });
}
