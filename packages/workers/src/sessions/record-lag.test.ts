import type { Record as ProtocolRecord } from '@solstice/common/rpc';
import { createMetrics } from '@solstice/common/telemetry';
import { expect, test } from 'vitest';
import { defaultLimits } from './limits.js';
import { RecordLag } from './record-lag.js';
import { RecordQueue } from './record-queue.js';
import type { SessionOwner } from './session-handler.js';

const log = (seq: number, text: string): ProtocolRecord => ({
  seq: BigInt(seq),
  atMs: 1_700_000_000_000n,
  body: { $case: 'log', value: { step: 0, stream: 1, data: Buffer.from(text) } },
});
const numberOf = (text: string, name: string) =>
  Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.split(' ')[1],
  );

test('what has arrived and is not durable is told in bytes and seconds, until it is', async () => {
  const metrics = createMetrics({ version: '0', roles: [] });
  const lag = new RecordLag(metrics);
  const stores: (() => void)[] = [];
  const record: SessionOwner['record'] = async (records) => {
    await new Promise<void>((resolve) => stores.push(resolve));
    return { durableSeq: records.at(-1)?.seq ?? 0 };
  };
  const owner = { durableSeq: 0, stepNames: ['Build'], record } as unknown as SessionOwner;
  const acked: number[] = [];
  const settled: (() => void)[] = [];
  const events = {
    onStored: (seq: number) => {
      acked.push(seq);
      settled.shift()?.();
    },
    onFailed: () => undefined,
    onHold: () => undefined,
  };
  const queue = new RecordQueue(owner, defaultLimits, events, lag);
  const stored = () => new Promise<void>((resolve) => settled.push(resolve));
  expect(numberOf(await metrics.text(), 'solstice_log_lag_seconds')).toBe(0);
  queue.add(log(1, 'x'.repeat(1_000)));
  queue.add(log(2, 'y'.repeat(1_000)));
  const waiting = await metrics.text();
  expect(numberOf(waiting, 'solstice_log_unacknowledged_bytes')).toBe(2 * 1_064);
  expect(numberOf(waiting, 'solstice_log_lag_seconds')).toBeGreaterThan(0);
  const [first, second] = [stored(), stored()];
  stores[0]?.();
  await first;
  expect(numberOf(await metrics.text(), 'solstice_log_unacknowledged_bytes')).toBe(1_064);
  stores[1]?.();
  await second;
  const done = await metrics.text();
  expect(acked).toEqual([1, 2]);
  expect(numberOf(done, 'solstice_log_unacknowledged_bytes')).toBe(0);
  expect(numberOf(done, 'solstice_log_lag_seconds')).toBe(0);
  expect(numberOf(done, 'solstice_log_stored_bytes_total')).toBe(2 * 1_064);
  expect(numberOf(done, 'solstice_log_durable_seconds_count')).toBe(2);
  await queue.close();
});
