import { describe, expect, it } from 'vitest';
import type { Fence } from '../port/index.js';
import { exit3, happened, job, lines, type Scene } from './scene.js';

export function describeFences(scene: () => Scene): void {
  describe('fences', () => {
    const everyWrite: [string, (fence: Fence) => Promise<unknown>][] = [
      ['start', (fence) => scene().store.attempts.start(fence)],
      ['finish', (fence) => scene().store.attempts.finish(fence, { state: 'succeeded' })],
      ['refuse', (fence) => scene().store.attempts.refuse(fence, 'no', true)],
      ['lose', (fence) => scene().store.attempts.lose(fence, 'gone')],
      ['record', (fence) => scene().store.attempts.record(fence, lines(1, 'x'))],
    ];

    it.each(everyWrite)('refuse %s with a wrong epoch, instance, host or attempt', async (_name, write) => {
      const host = await scene().host();
      const runId = await scene().plan(job('a'));
      const { fence } = await host.claim();
      const before = await scene().run(runId);
      for (const wrong of [
        { epoch: fence.epoch + 1 },
        { epoch: fence.epoch - 1 },
        { instance: 'another' },
        { hostId: 'birch' },
        { attemptId: `${runId}/a/2` },
        { attemptId: `${runId}/z/1` },
        { attemptId: 'nonsense' },
      ]) {
        await expect(write({ ...fence, ...wrong })).rejects.toMatchObject({ code: 'fence-lost' });
      }
      expect(await scene().run(runId)).toEqual(before);
    });

    it.each(everyWrite)('refuse %s once the attempt was lost', async (_name, write) => {
      const host = await scene().host();
      const runId = await scene().plan(job('a'));
      const { fence } = await host.start();
      happened(await scene().store.attempts.lose(fence, 'gone'));
      const before = await scene().run(runId);
      await expect(write(fence)).rejects.toMatchObject({ code: 'fence-lost' });
      expect(await scene().run(runId)).toEqual(before);
    });

    it('refuse the old process after a take-over, and let the new one write', async () => {
      const before = await scene().host('alder', { instance: 'old' });
      const runId = await scene().plan(job('a'));
      const claim = await before.start();
      await scene().store.attempts.record(claim.fence, lines(1, 'one\n'));
      await scene().host('alder', { instance: 'new' });
      for (const [, write] of everyWrite) {
        await expect(write(claim.fence)).rejects.toMatchObject({ code: 'fence-lost' });
      }
      const adopted = await scene().store.attempts.claimOf(claim.workerId);
      expect(adopted?.fence).toEqual({ ...claim.fence, instance: 'new', epoch: claim.fence.epoch + 1 });
      expect(adopted).toMatchObject({ started: true, repeated: true });
      const fence = adopted?.fence ?? expect.fail();
      await scene().store.attempts.record(fence, lines(2, 'two\n'));
      happened(await scene().store.attempts.finish(fence, { state: 'succeeded' }));
      expect(await scene().logText(claim.fence.attemptId)).toBe('one\ntwo\n');
      expect(await scene().run(runId)).toMatchObject({ state: 'succeeded' });
      await expect(scene().store.attempts.finish(claim.fence, { state: 'succeeded' })).rejects.toMatchObject({
        code: 'fence-lost',
      });
    });

    it('answer a repeated finish alike, and nothing else', async () => {
      const { attempts } = scene().store;
      const host = await scene().host();
      const runId = await scene().plan(job('a'));
      const claim = await host.start();
      const result = { state: 'failed', cause: exit3 } as const;
      happened(await attempts.finish(claim.fence, result));
      const length = (await scene().store.runs.events(runId)).length;
      const again = happened(await attempts.finish(claim.fence, result));
      expect(again).toMatchObject({ events: [], state: { state: 'failed' } });
      expect(await scene().store.runs.events(runId)).toHaveLength(length);
      await expect(attempts.finish(claim.fence, { state: 'succeeded' })).rejects.toMatchObject({ code: 'fence-lost' });
      await expect(attempts.lose(claim.fence, 'gone')).rejects.toMatchObject({ code: 'fence-lost' });
      expect(await scene().run(runId)).toMatchObject({ state: 'failed' });
    });

    it('let one result of fifty stand', async () => {
      const { store, other } = scene().under;
      const host = await scene().host();
      const runId = await scene().plan(job('a'));
      const { fence } = await host.start();
      const outcomes = await Promise.allSettled(
        Array.from({ length: 50 }, (_, index) => {
          const { attempts } = index % 2 ? store : other;
          return index % 5 === 0
            ? attempts.lose(fence, 'gone')
            : attempts.finish(fence, index % 3 ? { state: 'succeeded' } : { state: 'failed', cause: exit3 });
        }),
      );
      const changed = outcomes.filter(
        (outcome) => outcome.status === 'fulfilled' && 'events' in outcome.value && outcome.value.events.length > 0,
      );
      expect(changed).toHaveLength(1);
      const events = await store.runs.events(runId);
      expect(events.filter((event) => event.kind === 'attempt.ended')).toHaveLength(1);
    });

    it('refuse a result before the start, and say the state', async () => {
      const host = await scene().host();
      await scene().plan(job('a'));
      const { fence } = await host.claim();
      expect(await scene().store.attempts.finish(fence, { state: 'succeeded' })).toMatchObject({
        refused: true,
        state: 'claimed',
      });
      happened(await scene().store.attempts.start(fence));
      expect(happened(await scene().store.attempts.start(fence)).events).toEqual([]);
    });
  });
}
