import { createMetrics, createTracing, type Metrics, type Tracing } from '@solstice/common/telemetry';
import { type OtlpReceiver, startOtlpReceiver } from '@solstice/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPlanner } from './planner/planner.js';
import { createRelay } from './relay/relay.js';
import { createReporter } from './reporter/reporter.js';
import { Doorbell } from './testing/doorbell.js';
import { type Installation, makeInstallation, silent, testIds, WORKFLOW } from './testing/installation.js';

let receiver: OtlpReceiver;
let metrics: Metrics;
let tracers: Tracing[];
let here: Installation;
let running: { stop(): Promise<void> }[];
const crashes: string[] = [];
const onCrash = (error: Error, name: string) => void crashes.push(`${name}: ${error.stack}`);

const tracer = (role: string): Tracing => {
  const tracing = createTracing({ otlpUrl: receiver.url, role, logger: silent, sendAfterMs: 10 });
  tracers.push(tracing);
  return tracing;
};

beforeEach(async () => {
  receiver = await startOtlpReceiver();
  metrics = createMetrics({ version: '0', roles: ['forge'] });
  tracers = [];
  running = [];
  here = await makeInstallation({ telemetry: { metrics, tracing: tracer('webhooks') } });
});
afterEach(async () => {
  await Promise.all(running.map((part) => part.stop()));
  await here[Symbol.asyncDispose]();
  await Promise.all(tracers.map((tracing) => tracing.stop()));
  await receiver.close();
  expect(crashes.splice(0)).toEqual([]);
});

/** Each as in a process of its own: with a tracer of its own. */
async function startAll(): Promise<void> {
  const { store, forges, clock } = here;
  const queue = new Doorbell();
  const shared = { store, queue, forges, logger: silent, clock, onCrash, metrics, sweepMs: 200 };
  const parts = [
    createRelay(shared),
    createPlanner({ ...shared, ids: testIds, tracing: tracer('planner') }),
    createReporter({ ...shared, publicUrl: () => 'http://ci.example', tracing: tracer('reporter') }),
  ];
  for (const part of parts) {
    await part.start();
    running.push(part);
  }
}

async function push(files: Record<string, string>, headers: Record<string, string> = {}): Promise<string> {
  const { hosted } = here.repositories.forgejo;
  const sender = here.sender('forgejo');
  const commit = await hosted.git.commit({ files });
  const payload = await sender.pushOf(hosted, 'refs/heads/main', '0'.repeat(40), commit);
  expect((await sender.deliver(payload, { headers })).status).toBe(202);
  return commit;
}

describe('a push', () => {
  it('is one trace from its webhook through planning to the report', async () => {
    await startAll();
    const commit = await push({ '.solstice/a.kdl': WORKFLOW });
    const webhook = await receiver.until(({ name }) => name === 'POST /webhooks/:forgeId');
    const plan = await receiver.until(({ name }) => name === 'plan');
    const report = await receiver.until(({ name }) => name === 'report');
    expect(webhook).toMatchObject({
      kind: 'server',
      parentSpanId: undefined,
      attributes: {
        'solstice.forge': 'forgejo',
        'vcs.repository.name': 'tool',
        'vcs.owner.name': 'team',
        'vcs.ref.head.name': 'main',
        'vcs.ref.head.revision': commit,
        'solstice.delivery.state': 'received',
      },
      resource: { 'cicd.system.component': 'webhooks' },
    });
    expect(plan).toMatchObject({ traceId: webhook.traceId, parentSpanId: webhook.spanId, failed: false });
    expect(plan.resource).toMatchObject({ 'cicd.system.component': 'planner' });
    expect(report).toMatchObject({ traceId: webhook.traceId, parentSpanId: plan.spanId, kind: 'client' });
    expect(report.attributes).toMatchObject({ 'solstice.check.state': 'pending', 'vcs.ref.head.revision': commit });
    const [run] = await here.store.runs.list({ limit: 1 });
    expect(report.attributes['cicd.pipeline.run.id']).toBe(run?.id);
  });

  it('of a broken file too', async () => {
    await startAll();
    await push({ '.solstice/a.kdl': 'workflow {' });
    const webhook = await receiver.until(({ name }) => name === 'POST /webhooks/:forgeId');
    const report = await receiver.until(({ name }) => name === 'report');
    expect(report.traceId).toBe(webhook.traceId);
  });

  it('does not go on in a trace that its sender names', async () => {
    const stranger = 'a'.repeat(32);
    await push({ '.solstice/a.kdl': WORKFLOW }, { traceparent: `00-${stranger}-${'b'.repeat(16)}-01` });
    const webhook = await receiver.until(() => true);
    expect(webhook.traceId).not.toBe(stranger);
    expect(webhook.parentSpanId).toBeUndefined();
  });
});

describe('requests', () => {
  it('are counted by what became of them; strangers neither begin traces nor choose labels', async () => {
    await push({ '.solstice/a.kdl': WORKFLOW });
    const refused = async (url: string, body = '{}') =>
      (await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } })).status;
    expect(await refused(here.hookUrl('forgejo'))).toBe(401);
    expect(await refused(here.hookUrl('made-up-name'))).toBe(404);
    expect((await fetch(here.hookUrl('forgejo'), { method: 'POST', body: 'a=b' })).status).toBe(415);
    const count = (forge: string, result: string) =>
      `solstice_webhook_requests_total{forge="${forge}",result="${result}"} 1`;
    const text = await metrics.text();
    expect(text).toContain(count('forgejo', 'accepted'));
    expect(text).toContain(count('forgejo', 'unsigned'));
    expect(text).toContain(count('forgejo', 'malformed'));
    expect(text).toContain(count('unknown', 'unknown'));
    expect(text).not.toContain('made-up-name');
    await receiver.until(() => true);
    await Promise.all(tracers.map((tracing) => tracing.stop()));
    expect(receiver.spans).toHaveLength(1);
  });
});
