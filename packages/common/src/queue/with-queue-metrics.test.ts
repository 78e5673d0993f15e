import { expect, test } from 'vitest';
import { createMetrics } from '../telemetry/index.js';
import { createInProcessQueue } from './in-process-queue.js';
import type { QueueState } from './queue.js';
import { withQueueMetrics } from './with-queue-metrics.js';

test('what goes out, what comes in, and whether the broker is there', async () => {
  const metrics = createMetrics({ version: '0', roles: [] });
  const inner = createInProcessQueue({ logger: { error: () => undefined } });
  let state: QueueState = 'connected';
  let losses = 0;
  const queue = withQueueMetrics(
    new Proxy(inner, {
      get: (target, name) => {
        if (name === 'state') return () => state;
        if (name === 'losses') return () => losses;
        const own: unknown = Reflect.get(target, name);
        return typeof own === 'function' ? own.bind(target) : own;
      },
    }),
    metrics,
  );
  const heard = new Promise<void>((resolve) => {
    void queue.subscribe({ kind: 'job', pool: 'p' }, async () => resolve());
  });
  const failed = new Promise<void>((resolve) => {
    void queue.subscribe({ kind: 'report' }, async () => {
      resolve();
      throw new Error('planted');
    });
  });
  await queue.publish([
    { message: { kind: 'job', version: 1, pool: 'p', attemptId: 'a/1' } },
    { message: { kind: 'report', version: 1, forge: 'f', checkId: 'c' } },
  ]);
  await Promise.all([heard, failed]);
  await new Promise((resolve) => setImmediate(resolve));
  const text = await metrics.text();
  expect(text).toContain('solstice_relay_published_total{kind="job"} 1');
  expect(text).toContain('solstice_queue_messages_total{kind="job",result="handled"} 1');
  expect(text).toContain('solstice_queue_messages_total{kind="report",result="failed"} 1');
  expect(text).toContain('solstice_queue_publish_seconds_count{result="confirmed"} 1');
  expect(text).toContain('\nsolstice_queue_connected 1\n');
  state = 'connecting';
  losses = 2;
  const away = await metrics.text();
  expect(away).toContain('\nsolstice_queue_connected 0\n');
  expect(away).toContain('\nsolstice_queue_connections_lost_total 2\n');
  await metrics.text();
  state = 'connected';
  await metrics.text();
  expect(await metrics.text()).toContain('\nsolstice_queue_connections_lost_total 2\n');
  await queue.close();
  await expect(queue.publish([])).rejects.toMatchObject({ retryable: true });
  expect(await metrics.text()).toContain('solstice_queue_publish_seconds_count{result="failed"} 1');
});
