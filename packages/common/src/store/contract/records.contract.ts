import { describe, expect, it } from 'vitest';
import type { RunnerRecord } from '../port/index.js';
import { exit3, happened, job, lines, type Scene } from './scene.js';

export function describeRecords(scene: () => Scene): void {
  describe('records and logs', () => {
    const at = (seconds: number): Date => new Date(1_700_000_000_000 + seconds * 1_000);

    it('are stored once, byte for byte, whatever overlaps', async () => {
      const { attempts, logs } = scene().store;
      const host = await scene().host();
      await scene().plan(job('a'));
      const { fence } = await host.start();
      const bytes = new Uint8Array([0, 255, 10, 13, 27, 91, 0xc3, 0x28]);
      const odd: RunnerRecord = { seq: 3, at: at(3), kind: 'log', step: 1, stream: 'stderr', data: bytes };
      expect(await attempts.record(fence, lines(1, 'one\n', 'two\n'))).toEqual({ durableSeq: 2 });
      expect(await attempts.record(fence, lines(1, 'one\n', 'two\n'))).toEqual({ durableSeq: 2 });
      expect(await attempts.record(fence, [...lines(2, 'changed\n'), odd])).toEqual({ durableSeq: 3 });
      expect(await attempts.record(fence, [])).toEqual({ durableSeq: 3 });
      expect(await attempts.durableSeq(fence.attemptId)).toBe(3);
      const chunks = await logs.read(fence.attemptId, { afterSeq: 0, limit: 10 });
      expect(chunks.map((chunk) => [chunk.seq, chunk.step, chunk.stream, chunk.at.getTime()])).toEqual([
        [1, 0, 'stdout', 1_700_000_000_001],
        [2, 0, 'stdout', 1_700_000_000_002],
        [3, 1, 'stderr', at(3).getTime()],
      ]);
      expect(Buffer.from(chunks[2]?.data ?? []).equals(bytes)).toBe(true);
      expect(await scene().logText(fence.attemptId)).toContain('one\ntwo\n');
      expect((await logs.read(fence.attemptId, { afterSeq: 1, limit: 1 })).map((chunk) => chunk.seq)).toEqual([2]);
      expect(await logs.read(fence.attemptId, { afterSeq: 3, limit: 10 })).toEqual([]);
      expect(await logs.read('nonsense', { afterSeq: 0, limit: 10 })).toEqual([]);
    });

    it('with a gap are refused, wholly, with the right number', async () => {
      const { attempts } = scene().store;
      const host = await scene().host();
      await scene().plan(job('a'));
      const { fence } = await host.start();
      await attempts.record(fence, lines(1, 'one\n'));
      await expect(attempts.record(fence, lines(3, 'three\n'))).rejects.toMatchObject({
        code: 'record-gap',
        message: expect.stringContaining('2'),
      });
      const holed = [...lines(2, 'two\n'), ...lines(4, 'four\n')];
      await expect(attempts.record(fence, holed)).rejects.toMatchObject({ code: 'record-gap' });
      expect(await attempts.durableSeq(fence.attemptId)).toBe(1);
      expect(await scene().logText(fence.attemptId)).toBe('one\n');
    });

    it('survive being sent by several at once', async () => {
      const { store, other } = scene().under;
      const host = await scene().host();
      await scene().plan(job('a'));
      const { fence } = await host.start();
      const texts = Array.from({ length: 40 }, (_, index) => `line ${index + 1}\n`);
      await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (index % 2 ? store : other).attempts.record(fence, lines(1, ...texts.slice(0, 1 + index * 2))),
        ),
      );
      await store.attempts.record(fence, lines(1, ...texts));
      expect(await scene().logText(fence.attemptId)).toBe(texts.join(''));
    });

    it('tell of steps', async () => {
      const { attempts } = scene().store;
      const host = await scene().host();
      const runId = await scene().plan(job('a'));
      const { fence } = await host.start();
      await attempts.record(fence, [
        { seq: 1, at: at(1), kind: 'step-started', step: 0 },
        ...lines(2, 'hello\n'),
        { seq: 3, at: at(3), kind: 'step-finished', step: 0, result: { state: 'succeeded' }, exitCode: 0 },
        { seq: 4, at: at(4), kind: 'step-started', step: 1 },
      ]);
      const steps = async () => (await scene().run(runId)).nodes[0]?.attempts[0]?.steps;
      expect(await steps()).toEqual([
        {
          index: 0,
          name: 'Build',
          state: 'succeeded',
          exitCode: 0,
          signal: undefined,
          startedAt: at(1),
          endedAt: at(3),
        },
        {
          ...{ index: 1, name: 'Test', state: 'running', exitCode: undefined },
          ...{ signal: undefined, startedAt: at(4), endedAt: undefined },
        },
      ]);
      await attempts.record(fence, [
        { seq: 5, at: at(5), kind: 'step-finished', step: 1, result: { state: 'failed', cause: exit3 }, exitCode: 3 },
        { seq: 6, at: at(6), kind: 'job-finished', result: { state: 'failed', cause: exit3 } },
      ]);
      happened(await attempts.finish(fence, { state: 'failed', cause: exit3 }));
      expect((await steps())?.[1]).toMatchObject({ state: 'failed', exitCode: 3, endedAt: at(5) });
      expect((await scene().run(runId)).nodes[0]?.attempts[0]).toMatchObject({ durableSeq: 6, logBytes: 6 });
      expect(
        (await scene().store.logs.read(fence.attemptId, { afterSeq: 0, limit: 10 })).map((one) => one.seq),
      ).toEqual([2]);
    });

    it('leave steps ended when the attempt has', async () => {
      const host = await scene().host();
      const runId = await scene().plan(job('a'));
      const { fence } = await host.start();
      await scene().store.attempts.record(fence, [{ seq: 1, at: at(1), kind: 'step-started', step: 0 }]);
      const cause = { kind: 'clock', clock: 'job', limitMs: 1_000 } as const;
      happened(await scene().store.attempts.finish(fence, { state: 'timed_out', cause }));
      const [attempt] = (await scene().run(runId)).nodes[0]?.attempts ?? [];
      expect(attempt?.steps.map((step) => step.state)).toEqual(['timed_out', 'skipped']);
    });

    it('end with a line that says so when the runner could not say the last word', async () => {
      const { attempts } = scene().store;
      const host = await scene().host();
      await scene().plan(job('a'));
      const first = await host.start();
      await attempts.record(first.fence, [
        { seq: 1, at: at(1), kind: 'step-started', step: 1 },
        ...lines(2, 'half a li'),
      ]);
      happened(await attempts.lose(first.fence, 'its runner ended with signal SIGKILL'));
      const chunks = await scene().store.logs.read(first.fence.attemptId, { afterSeq: 2, limit: 10 });
      expect(chunks).toMatchObject([{ seq: 3, step: 1, stream: 'system' }]);
      expect(await scene().logText(first.fence.attemptId)).toMatch(/^half a li\n.*SIGKILL.*\n$/s);

      await scene().under.advance(1_000);
      const second = await host.claim();
      happened(await attempts.refuse(second.fence, 'there is no image debian:99', true, 'no-image'));
      const [, refused] = (await scene().run(second.runId)).nodes[0]?.attempts ?? [];
      expect(refused?.cause).toMatchObject({ kind: 'refused', problem: 'no-image' });
      expect(await scene().logText(second.fence.attemptId)).toMatch(/did not start: .*no image debian:99\n$/);
    });
  });
}
