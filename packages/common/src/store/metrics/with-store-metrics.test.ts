import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { createMetrics, type Metrics } from '../../telemetry/index.js';
import { job, offer, Scene } from '../contract/scene.js';
import { createMemoryStore } from '../memory/memory-store.js';
import { withStoreMetrics } from './with-store-metrics.js';

function measured(options: { cacheMs?: number } = { cacheMs: 0 }): { scene: Scene; metrics: Metrics } {
  const metrics = createMetrics({ version: '0', roles: [] });
  let offsetMs = 0;
  const clock = { now: () => new Date(Date.now() + offsetMs) };
  const store = withStoreMetrics(createMemoryStore({ clock, idSource: randomUUID }), metrics, options);
  const advance = async (ms: number) => {
    offsetMs += ms;
  };
  return { metrics, scene: new Scene({ store, other: store, advance, close: () => store.close() }) };
}

const find = (text: string, start: string) => text.split('\n').filter((line) => line.startsWith(start));

test('an attempt from its queue to its end', async () => {
  const { scene, metrics } = measured();
  await scene.plan(job('a'), job('b'));
  const host = await scene.host();
  expect(await metrics.text()).toContain('solstice_queued_attempts{pool="default"} 2');
  await scene.under.advance(20_000);
  const first = await host.start();
  const second = await host.start();
  expect(await host.tryClaim()).toBeUndefined();
  await host.finish(first.fence, 'failed');
  await scene.store.attempts.lose(second.fence, 'its worker disappeared');
  await expect(scene.store.attempts.finish(second.fence, { state: 'succeeded' })).rejects.toMatchObject({
    code: 'fence-lost',
  });
  const text = await metrics.text();
  expect(text).toContain('solstice_claim_wait_seconds_bucket{le="10",pool="default"} 0');
  expect(text).toContain('solstice_claim_wait_seconds_bucket{le="30",pool="default"} 2');
  expect(text).toContain('solstice_claim_duration_seconds_count{result="claimed"} 2');
  expect(text).toContain('solstice_claim_duration_seconds_count{result="nothing"} 1');
  expect(text).toContain('solstice_attempts_ended_total{state="failed",cause="exit"} 1');
  expect(text).toContain('solstice_attempts_ended_total{state="lost",cause="lost"} 1');
  expect(text).toContain('solstice_fence_refusals_total{operation="finish"} 1');
  expect(text).toContain('solstice_host_reserved_slots{host="alder"} 2');
});

test('what an export ends is counted, once', async () => {
  const { scene, metrics } = measured();
  const runId = await scene.plan(job('a'), job('b'));
  await scene.store.runs.export(runId, 'mara');
  await scene.store.runs.export(runId, 'mara');
  expect(find(await metrics.text(), 'solstice_attempts_ended_total')).toEqual([
    'solstice_attempts_ended_total{state="cancelled",cause="exported"} 2',
  ]);
});

test('the same claim again is not counted as one more that waited', async () => {
  const { scene, metrics } = measured();
  await scene.plan(job('a'));
  const host = await scene.host();
  const request = host.request();
  await scene.store.attempts.claim(request);
  await scene.store.attempts.claim(request);
  expect(await metrics.text()).toContain('solstice_claim_wait_seconds_count{pool="default"} 1');
});

test('what becomes of deliveries, once each', async () => {
  const { scene, metrics } = measured();
  const { deliveries } = scene.store;
  const given = await scene.newDelivery();
  const { delivery } = await deliveries.accept(given);
  await deliveries.accept(given);
  await deliveries.postpone(delivery.id, 'the forge is away', new Date(Date.now() + 60_000));
  expect(await metrics.text()).toContain('solstice_deliveries_waiting{state="postponed"} 1');
  await deliveries.settle(delivery.id, 'ignored', 'nothing to do');
  await deliveries.settle(delivery.id, 'failed', 'too late');
  expect(find(await metrics.text(), 'solstice_deliveries_total').sort()).toEqual([
    'solstice_deliveries_total{state="ignored"} 1',
    'solstice_deliveries_total{state="postponed"} 1',
    'solstice_deliveries_total{state="received"} 1',
  ]);
});

test('a store that is away: up is 0, and no old number is told', async () => {
  const { scene, metrics } = measured();
  await scene.plan(job('a'));
  await scene.host();
  expect(await metrics.text()).toContain('solstice_outbox_messages 2');
  const inner = scene.store;
  const away = { ...{ measures: () => Promise.reject(new Error('planted')) } };
  const again = createMetrics({ version: '0', roles: [] });
  let answers = true;
  const flaky = new Proxy(inner, {
    get: (target, name) => (name === 'measures' && !answers ? away.measures : Reflect.get(target, name)),
  });
  withStoreMetrics(flaky, again, { cacheMs: 0 });
  expect(await again.text()).toContain('solstice_database_up 1');
  answers = false;
  const text = await again.text();
  expect(text).toContain('solstice_database_up 0');
  expect(find(text, 'solstice_outbox_messages')).toEqual([]);
  expect(find(text, 'solstice_host_live')).toEqual([]);
  answers = true;
  expect(await again.text()).toContain('solstice_outbox_messages 2');
});

test('one reading at a time, none while the last is fresh, and no scrape waits for one that hangs', async () => {
  const { scene } = measured();
  const metrics = createMetrics({ version: '0', roles: [] });
  let readings = 0;
  let nowMs = 0;
  let hang: Promise<never> | undefined;
  const counting = new Proxy(scene.store, {
    get: (target, name) => {
      if (name !== 'measures') return Reflect.get(target, name);
      return () => {
        readings += 1;
        return hang ?? target.measures();
      };
    },
  });
  const store = withStoreMetrics(counting, metrics, { cacheMs: 1_000, withinMs: 1, monotonicMs: () => nowMs });
  await Promise.all([metrics.text(), metrics.text(), metrics.text()]);
  nowMs = 999;
  await metrics.text();
  expect(readings).toBe(1);
  nowMs = 1_000;
  hang = new Promise(() => undefined);
  expect(await metrics.text()).toContain('solstice_database_up 0');
  expect(await metrics.text()).toContain('solstice_database_up 0');
  expect(readings).toBe(2);
  await store.close();
  await metrics.text();
  expect(readings).toBe(2);
});

test('pools that somebody invents are told together beyond the hundredth', async () => {
  const { scene, metrics } = measured();
  const invented = Array.from({ length: 130 }, (_, index) => job(`j${index}`, [], { runsOn: `pool-${index}` }));
  await scene.plan(...invented, job('a'));
  await scene.host('alder', { pools: [offer('default')] });
  const text = await metrics.text();
  expect(find(text, 'solstice_queued_attempts{')).toHaveLength(102);
  expect(text).toContain('solstice_queued_attempts{pool="other"} 30');
  expect(text).toContain('solstice_queued_attempts{pool="default"} 1');
});
