import { join } from 'node:path';
import { startEmbeddedPostgres } from '@solstice/embedded-postgres';
import { eventually, FleetPostgres, temporaryDirectory } from '@solstice/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '../../telemetry/index.js';
import { assertReplays } from '../assert-replays.js';
import { happened, job, lines, Scene } from '../contract/scene.js';
import { migrate } from './migrate.js';
import { createPostgresStore } from './postgres-store.js';
import { type LossyProxy, lossyProxy } from './testing/lossy-proxy.js';
import { type PostgresUnderTest, postgresUnderTest } from './testing/postgres-under-test.js';

let under: PostgresUnderTest;
let scene: Scene;
beforeEach(async () => {
  under = await postgresUnderTest();
  scene = new Scene(under);
});
afterEach(() => under.close());

const killAll = `
  select pg_terminate_backend(pid) from pg_stat_activity
  where application_name = 'solstice' and datname = current_database()`;

describe('broken connections', () => {
  it('are replaced: the next call works, and nothing crashes', async () => {
    const runId = await scene.plan(job('a'));
    for (let round = 0; round < 3; round += 1) {
      await under.query(killAll);
      expect((await scene.run(runId)).state).toBe('queued');
      await scene.host();
    }
    await eventually(() => scene.store.ping().then(() => true), { describe: 'the store answers' });
  });

  it('break the feed for a while; then every listener is called once without a change', async () => {
    const runId = await scene.plan(job('a'));
    const { changes } = under.other;
    // Changes are told in order: after the second run's nothing of the first run's is on its way any more.
    let settled = false;
    const later = await scene.newRun({ version: 1, workflow: { name: 'ci', file: 'ci.kdl' }, nodes: [job('a')] });
    const stopLater = changes.on(`run:${later.runId}`, () => {
      settled = true;
    });
    await scene.planRuns(later);
    await eventually(() => settled, { describe: 'told of the second run' });
    let told = 0;
    const stop = changes.on(`run:${runId}`, () => {
      told += 1;
    });
    await under.query(killAll);
    await eventually(() => told > 0, { describe: 'told after the connection came back' });
    expect(told).toBe(1);
    // Committed, perhaps, while the other store's own connection is still lost: it is told later, but it is told.
    await scene.store.runs.command(runId, { kind: 'cancel', by: 'mara' });
    await eventually(() => told > 1, { describe: 'told of the cancel' });
    stop();
    stopLater();
  });

  it('to a server that is not there are told as database-unavailable', async () => {
    const url = 'postgres:///postgres?host=/nowhere&user=solstice';
    await expect(under.open({ url })).rejects.toMatchObject({ code: 'database-unavailable', retryable: true });
  });
});

describe('a server that is restarted', () => {
  it('is missed with database-unavailable, and found again by the same store', async (context) => {
    const directory = await temporaryDirectory();
    const options = { dataDirectory: join(directory.path, 'postgres'), settings: { fsync: 'off' } };
    let server = await startEmbeddedPostgres(options);
    context.onTestFinished(async () => {
      await server.stop();
      await directory.remove();
    });
    await migrate(server.url);
    const store = await under.open({ url: server.url });
    const own = new Scene({ ...under, store, other: store });
    const host = await own.host();
    const runId = await own.plan(job('a'));
    const { fence } = await host.start();
    await server.stop();
    const gone = { code: 'database-unavailable', retryable: true };
    await expect(store.ping()).rejects.toMatchObject(gone);
    await expect(host.renew([fence.attemptId])).rejects.toMatchObject(gone);
    await expect(store.attempts.record(fence, lines(1, 'one\n'))).rejects.toMatchObject(gone);
    server = await startEmbeddedPostgres(options);
    expect(await host.renew([fence.attemptId])).toMatchObject({ cancel: [], gone: [], unknown: [] });
    await store.attempts.record(fence, lines(1, 'one\n'));
    await host.finish(fence);
    expect(await own.run(runId)).toMatchObject({ state: 'succeeded' });
  });
});

describe('a commit whose answer is lost', () => {
  let proxy: LossyProxy;
  let lossy: Scene;
  beforeEach(async () => {
    proxy = await lossyProxy(under.url);
    const store = await under.open({ url: proxy.url });
    lossy = new Scene({ ...under, store, other: store });
  });
  afterEach(async () => {
    await assertReplays(under.store);
    await proxy.close();
  });

  const unknown = { code: 'database-unavailable', retryable: true };

  it('of a claim is found again with the same request', async () => {
    const host = await lossy.host();
    await scene.plan(job('a'), job('b'));
    const request = host.request();
    proxy.loseAnswers(1);
    await expect(lossy.store.attempts.claim(request)).rejects.toMatchObject(unknown);
    expect(proxy.lost()).toBe(1);
    expect(await lossy.store.attempts.claim(request)).toMatchObject({ repeated: true, nodeId: 'a' });
    expect(await lossy.store.attempts.workers('alder')).toHaveLength(1);
  });

  it('of records, a result and a release is repeated without harm', async () => {
    const { attempts } = lossy.store;
    const host = await lossy.host();
    const runId = await scene.plan(job('a'));
    const { fence, workerId } = await host.start();
    proxy.loseAnswers(1);
    await expect(attempts.record(fence, lines(1, 'one\n'))).rejects.toMatchObject(unknown);
    expect(await attempts.record(fence, lines(1, 'one\n', 'two\n'))).toEqual({ durableSeq: 2 });
    proxy.loseAnswers(1);
    await expect(attempts.finish(fence, { state: 'succeeded' })).rejects.toMatchObject(unknown);
    happened(await attempts.finish(fence, { state: 'succeeded' }));
    proxy.loseAnswers(1);
    await expect(attempts.releaseWorker(workerId)).rejects.toMatchObject(unknown);
    await attempts.releaseWorker(workerId);
    expect(await scene.run(runId)).toMatchObject({ state: 'succeeded' });
    expect(await scene.logText(fence.attemptId)).toBe('one\ntwo\n');
    expect(proxy.lost()).toBe(3);
  });

  it('of a plan and a delivery makes neither twice', async () => {
    const given = await lossy.newDelivery();
    proxy.loseAnswers(1);
    await expect(lossy.store.deliveries.accept(given)).rejects.toMatchObject(unknown);
    const { kind, delivery } = await lossy.store.deliveries.accept(given);
    expect(kind).toBe('duplicate');
    const request = {
      deliveryId: delivery.id,
      runs: [await lossy.newRun({ version: 1, workflow: { name: 'ci', file: 'ci.kdl' }, nodes: [job('a')] })],
      failedChecks: [],
      outcome: { state: 'planned' as const, reason: undefined },
    };
    proxy.loseAnswers(1);
    await expect(lossy.store.runs.plan(request)).rejects.toMatchObject(unknown);
    expect(await lossy.store.runs.plan(request)).toEqual({ planned: false, runs: [] });
    expect(await scene.store.runs.list({ limit: 10 })).toHaveLength(1);
    expect((await scene.drainOutbox()).map((message) => message.kind).sort()).toEqual(['delivery', 'job', 'report']);
  });
});

describe('the end of the store', () => {
  it('does not wait for a database that no longer answers, with calls under way and without', async () => {
    await using postgres = await FleetPostgres.start();
    await migrate(postgres.url);
    const logger = createLogger({ level: 'silent' });
    const [idle, busy] = await Promise.all([1, 2].map(() => createPostgresStore({ url: postgres.url, logger })));
    await Promise.all([idle?.ping(), busy?.ping()]);
    await postgres.freeze();
    const asked = busy?.ping().then(
      () => 'answered',
      (error: unknown) => error,
    );
    await Promise.all([idle?.close(), busy?.close()]);
    expect(await asked).toMatchObject({ code: 'database-unavailable' });
  });
});
