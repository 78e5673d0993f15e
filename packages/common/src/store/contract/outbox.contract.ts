import { describe, expect, it } from 'vitest';
import type { ChangeTopic } from '../port/index.js';
import { job, lines, type Scene } from './scene.js';

export function describeOutboxAndChanges(scene: () => Scene): void {
  describe('the outbox', () => {
    it('keeps messages until they are removed', async () => {
      const { outbox } = scene().store;
      expect(await outbox.oldestAgeMs()).toBeUndefined();
      await scene().plan(job('a'), job('b'));
      const waiting = await outbox.peek(10);
      expect(waiting.map((entry) => entry.message.kind).sort()).toEqual(['job', 'job', 'report']);
      expect(await outbox.peek(2)).toHaveLength(2);
      await scene().under.advance(5_000);
      expect(await outbox.oldestAgeMs()).toBeGreaterThanOrEqual(5_000);
      await outbox.remove(waiting.slice(0, 2).map((entry) => entry.id));
      await outbox.remove(waiting.slice(0, 2).map((entry) => entry.id));
      await outbox.remove([]);
      expect((await outbox.peek(10)).map((entry) => entry.id)).toEqual([waiting[2]?.id]);
    });

    it('rings for a second attempt too', async () => {
      const host = await scene().host();
      const runId = await scene().plan(job('a'));
      const claim = await host.start();
      await scene().drainOutbox();
      await scene().store.attempts.lose(claim.fence, 'gone');
      await scene().under.advance(1_000);
      await scene().store.timers.fire(10);
      expect(await scene().drainOutbox()).toContainEqual({
        kind: 'job',
        version: 1,
        pool: 'default',
        attemptId: `${runId}/a/2`,
      });
    });
  });

  describe('the change feed', () => {
    /** Counts calls; `next` settles with the first call after it was asked. */
    const listen = (topic: ChangeTopic) => {
      let told = 0;
      let wake: () => void = () => undefined;
      const stop = scene().under.other.changes.on(topic, () => {
        told += 1;
        wake();
      });
      const next = (since: number): Promise<void> =>
        told > since ? Promise.resolve() : new Promise((resolve) => (wake = resolve));
      return { stop, next, count: () => told };
    };

    it('tells of the outbox, of runs and of attempts, also in another process', async () => {
      const host = await scene().host();
      const outbox = listen('outbox');
      const runId = await scene().plan(job('a'));
      await outbox.next(0);
      const run = listen(`run:${runId}`);
      const attempt = listen(`attempt:${runId}/a/1`);
      const { fence } = await host.start();
      await Promise.all([run.next(0), attempt.next(0)]);
      const seen = attempt.count();
      await scene().store.attempts.record(fence, lines(1, 'one\n'));
      await attempt.next(seen);
      const [runSeen, attemptSeen] = [run.count(), attempt.count()];
      await host.finish(fence);
      await Promise.all([run.next(runSeen), attempt.next(attemptSeen)]);
      for (const listener of [outbox, run, attempt]) {
        listener.stop();
        listener.stop();
      }
    });

    it('tells each listener, and none that has stopped', async () => {
      const runId = await scene().plan(job('a'));
      const [first, second] = [listen(`run:${runId}`), listen(`run:${runId}`)];
      // Whatever the plan itself had to tell has been told by then.
      await scene().store.runs.command(runId, { kind: 'cancel', by: 'mara' });
      await Promise.all([first.next(0), second.next(0)]);
      second.stop();
      const stopped = second.count();
      const other = await scene().plan(job('a'));
      const third = listen(`run:${other}`);
      await scene().store.runs.command(other, { kind: 'cancel', by: 'mara' });
      await third.next(0);
      expect(second.count()).toBe(stopped);
      first.stop();
      third.stop();
    });
  });

  describe('the store itself', () => {
    it('answers, and ends twice without complaint', async () => {
      await scene().store.ping();
      await scene().store.close();
      await scene().store.close();
      await expect(scene().store.ping()).rejects.toMatchObject({ code: 'database-unavailable' });
    });
  });
}
