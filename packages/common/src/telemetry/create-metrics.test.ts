import { expect, test } from 'vitest';
import { createMetrics } from './create-metrics.js';
import { databaseGauges, instruments, metricNames } from './metric-catalogue.js';

const make = () => createMetrics({ version: '1.2.3', roles: ['planner', 'api'] });
const linesOf = (text: string, name: string) => text.split('\n').filter((line) => line.startsWith(name));

test('knows every metric of the catalogue, and those of the process', async () => {
  const text = await make().text();
  for (const name of metricNames) expect(text).toContain(`# TYPE ${name} ${instruments[name].kind}`);
  expect(text).toContain('process_resident_memory_bytes');
  expect(linesOf(text, 'solstice_build_info')).toEqual(['solstice_build_info{version="1.2.3",roles="api,planner"} 1']);
});

test('names follow the rules: our prefix, base units, _total for counters alone', () => {
  for (const name of metricNames) {
    const { kind, labels, help } = instruments[name];
    expect(name).toMatch(/^solstice_[a-z]+(_[a-z]+)*$/);
    expect(name.endsWith('_total')).toBe(kind === 'counter');
    expect(name).not.toMatch(/_(ms|milliseconds|minutes|kib|mib|percent)\b/);
    if (kind === 'histogram') expect(name).toMatch(/_(seconds|bytes)$/);
    expect(help).toMatch(/\.$/);
    for (const label of labels)
      expect(['run', 'repository', 'ref', 'commit', 'attempt', 'workflow']).not.toContain(label);
  }
});

test('says nothing of the database, nor of a queue, before it was told', async () => {
  const text = await make().text();
  const gauges = metricNames.filter((name) => instruments[name].kind === 'gauge' && name !== 'solstice_build_info');
  expect(gauges).toEqual(expect.arrayContaining(databaseGauges));
  for (const name of gauges) expect(linesOf(text, name)).toEqual([]);
});

test('counts, observes and sets', async () => {
  const metrics = make();
  metrics.count('solstice_reports_total', { forge: 'code', result: 'accepted' });
  metrics.count('solstice_reports_total', { forge: 'code', result: 'accepted' }, 2);
  metrics.observe('solstice_claim_wait_seconds', { pool: 'big' }, 3);
  metrics.set('solstice_queue_connected', {}, 1);
  const text = await metrics.text();
  expect(text).toContain('solstice_reports_total{forge="code",result="accepted"} 3');
  expect(text).toContain('solstice_claim_wait_seconds_bucket{le="2.5",pool="big"} 0');
  expect(text).toContain('solstice_claim_wait_seconds_bucket{le="5",pool="big"} 1');
  expect(text).toContain('solstice_claim_wait_seconds_sum{pool="big"} 3');
  expect(text).toContain('\nsolstice_queue_connected 1\n');
});

test('replace forgets what is not said any more', async () => {
  const metrics = make();
  metrics.replace({
    solstice_host_live: [
      { labels: { host: 'alder' }, value: 1 },
      { labels: { host: 'birch' }, value: 0 },
    ],
    solstice_outbox_messages: [{ labels: {}, value: 4 }],
  });
  expect(linesOf(await metrics.text(), 'solstice_outbox_messages')).toEqual(['solstice_outbox_messages 4']);
  metrics.replace({
    solstice_host_live: [{ labels: { host: 'birch' }, value: 1 }],
    solstice_outbox_messages: [],
  });
  const text = await metrics.text();
  expect(linesOf(text, 'solstice_host_live')).toEqual(['solstice_host_live{host="birch"} 1']);
  expect(linesOf(text, 'solstice_outbox_messages')).toEqual([]);
});

test('a label without bounds cannot make the answer grow without bounds', async () => {
  const metrics = make();
  for (let index = 0; index < 2_000; index += 1)
    metrics.count('solstice_loop_failures_total', { loop: `loop ${index}` });
  const lines = linesOf(await metrics.text(), 'solstice_loop_failures_total');
  expect(lines).toHaveLength(501);
  expect(lines).toContain('solstice_loop_failures_total{loop="other"} 1500');
});

test('sources are asked before each scrape until they stop, and one that fails takes nothing else away', async () => {
  const metrics = make();
  let asked = 0;
  const stop = metrics.onScrape(() => {
    asked += 1;
  });
  metrics.onScrape(() => Promise.reject(new Error('planted')));
  expect(await metrics.text()).toContain('solstice_build_info');
  await metrics.text();
  stop();
  await metrics.text();
  expect(asked).toBe(2);
});
