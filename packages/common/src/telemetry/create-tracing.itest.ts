import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually, type OtlpReceiver, startOtlpReceiver } from '@solstice/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { createMetrics } from './create-metrics.js';
import { createTracing, type TracingSettings } from './create-tracing.js';
import { createLogger } from './logger.js';
import { noTracing, type Tracing } from './tracing.js';

let receiver: OtlpReceiver;
let lines: { level: string; msg: string; reason?: string }[];
let started: Tracing[];

beforeEach(async (context) => {
  receiver = await startOtlpReceiver();
  lines = [];
  started = [];
  context.onTestFinished(async () => {
    await Promise.all(started.map((tracing) => tracing.stop()));
    await receiver.close();
  });
});

function start(more: Partial<TracingSettings> = {}): Tracing {
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const tracing = createTracing({
    otlpUrl: receiver.url,
    role: 'forge',
    logger: createLogger({ level: 'info', stream }),
    sendAfterMs: 10,
    ...more,
  });
  started.push(tracing);
  return tracing;
}

describe('tracing', () => {
  it('is one trace over several processes, with what each did and when', async () => {
    const forge = start({ role: 'forge', version: '1.2.3', instance: 'alder' });
    const host = start({ role: 'orchestrator' });
    const webhook = forge.span('webhook', { kind: 'server', attributes: { 'vcs.provider.name': 'forgejo' } });
    const parent = JSON.parse(JSON.stringify(webhook.context));
    const step = host.span('step', { parent, startAt: new Date(1_700_000_000_000) });
    step.end({
      at: new Date(1_700_000_002_500),
      errorType: 'exit',
      attributes: { 'process.exit.code': 3, nothing: undefined },
    });
    webhook.end();
    const [first, second] = [
      await receiver.until(({ name }) => name === 'webhook'),
      await receiver.until(({ name }) => name === 'step'),
    ];
    expect(first).toMatchObject({ kind: 'server', parentSpanId: undefined, failed: false });
    expect(first.attributes).toEqual({ 'vcs.provider.name': 'forgejo' });
    expect(first.resource).toMatchObject({
      'service.name': 'solstice',
      'service.version': '1.2.3',
      'service.instance.id': 'alder',
      'cicd.system.component': 'forge',
    });
    expect(second).toMatchObject({ traceId: first.traceId, parentSpanId: first.spanId, failed: true });
    expect(second.attributes).toEqual({ 'error.type': 'exit', 'process.exit.code': 3 });
    expect([second.startAt.getTime(), second.endAt.getTime()]).toEqual([1_700_000_000_000, 1_700_000_002_500]);
    expect(second.resource).toMatchObject({ 'cicd.system.component': 'orchestrator' });
  });

  it('lets another process end what one began: the same span, and children of both under it', async () => {
    const [before, after] = [start(), start()];
    const root = before.span('plan');
    const options = { parent: root.context, key: 'attempt r/build/1', startAt: new Date(1_700_000_000_000) };
    const begun = before.span('attempt', options);
    before.span('provision', { parent: begun.context }).end();
    const takenOver = after.span('attempt', options);
    after.span('step', { parent: takenOver.context }).end();
    takenOver.end();
    takenOver.end({ errorType: 'twice' });
    const attempt = await receiver.until(({ name }) => name === 'attempt');
    for (const child of ['provision', 'step']) {
      expect((await receiver.until(({ name }) => name === child)).parentSpanId).toBe(attempt.spanId);
    }
    expect(attempt.failed).toBe(false);
    expect(receiver.spans.filter(({ name }) => name === 'attempt')).toHaveLength(1);
    // Another attempt, another span; the same word in another trace as well.
    const other = after.span('attempt', { ...options, key: 'attempt r/build/2' });
    expect(other.context).not.toEqual(takenOver.context);
  });

  it('begins a trace of its own where the parent is nonsense', async () => {
    const tracing = start();
    tracing.span('webhook', { parent: { traceparent: '00-nonsense' } }).end();
    expect((await receiver.until(() => true)).parentSpanId).toBeUndefined();
  });

  it('is nothing without an address, and passes on what it was given', async () => {
    const tracing = createTracing({ role: 'forge', logger: createLogger({ level: 'silent' }) });
    expect(tracing).toBe(noTracing);
    const parent = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
    expect(tracing.span('plan', { parent }).context).toBe(parent);
    expect(tracing.span('plan').context).toBeUndefined();
    await tracing.stop();
  });

  it('says once that a collector refuses, and once that it does not any more', async () => {
    const metrics = createMetrics({ version: '0', roles: [] });
    const tracing = start({ metrics });
    receiver.answer(400);
    for (let count = 1; count <= 3; count += 1) {
      tracing.span('refused').end();
      await eventually(() => receiver.requests.length >= count);
    }
    await eventually(async () => (await metrics.text()).includes('solstice_spans_total{result="failed"} 3'));
    receiver.answer(200);
    tracing.span('taken').end();
    await receiver.until(({ name }) => name === 'taken');
    await eventually(() => lines.length >= 2);
    expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
      ['warn', 'traces cannot be sent; what is traced meanwhile may be lost'],
      ['info', 'traces are sent again'],
    ]);
    expect(await metrics.text()).toContain('solstice_spans_total{result="exported"} 1');
  });

  it('drops what is too much while a collector hangs, and does not wait for it at the end', async () => {
    const hanging = createServer(() => undefined);
    await new Promise<void>((resolve) => hanging.listen(0, '127.0.0.1', resolve));
    const metrics = createMetrics({ version: '0', roles: [] });
    const otlpUrl = `http://127.0.0.1:${(hanging.address() as AddressInfo).port}`;
    const tracing = start({ otlpUrl, metrics });
    for (let count = 0; count < 6_000; count += 1) tracing.span('many').end();
    expect(await metrics.text()).toContain(`solstice_spans_total{result="dropped"} ${6_000 - 4_096}`);
    await tracing.stop();
    hanging.closeAllConnections();
    await new Promise((resolve) => hanging.close(resolve));
  });

  it('sends what has ended before it stops, and a password by header, not in the address', async () => {
    const tracing = start({ otlpUrl: receiver.url.replace('//', '//mara:hunter2@'), sendAfterMs: 60_000 });
    tracing.span('last').end();
    await tracing.stop();
    expect(receiver.spans.map(({ name }) => name)).toEqual(['last']);
    expect(receiver.requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from('mara:hunter2').toString('base64')}`);
    expect(JSON.stringify(lines)).not.toContain('hunter2');
  });
});
