import { databaseFor, eventually, type Template } from '@solstice/testing';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLogger } from '../../telemetry/index.js';
import { assertReplays } from '../assert-replays.js';
import { job, lines, Scene } from '../contract/scene.js';
import { migrate } from '../postgres/migrate.js';
import { createPostgresStore } from '../postgres/postgres-store.js';
import { type PostgresUnderTest, postgresUnderTest } from '../postgres/testing/postgres-under-test.js';
import { copyData } from './copy-data.js';
import { contentsOf, dataTables } from './tables.js';

const empty: Template = { key: 'empty', prepare: async () => undefined };

let source: PostgresUnderTest;
let scene: Scene;
beforeEach(async () => {
  source = await postgresUnderTest();
  scene = new Scene(source);
});
afterEach(() => source.close());

async function query<Row extends object>(url: string, text: string): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}

/** One of everything: finished, running and waiting runs, logs with any bytes, webhooks, a twin, a sealed secret. */
async function fill(): Promise<{ finished: string; running: string; waiting: string; attemptId: string }> {
  const host = await scene.host();
  const finished = await scene.plan(job('build'), job('test', ['build']));
  const first = await host.start();
  await source.store.attempts.record(first.fence, lines(1, 'one\n', 'two \u0000\\x ŝ\n'));
  await host.finish(first.fence);
  await host.work();
  const running = await scene.plan(job('slow'));
  await host.start();
  const waiting = await scene.plan(job('later'));
  const { event, body, ...delivery } = await scene.newDelivery({ body: new Uint8Array([0, 255, 92, 10]) });
  await source.store.deliveries.accept({ ...delivery, event, body });
  await source.store.deliveries.accept({ ...delivery, event, body, forgeDeliveryId: 'its twin' });
  await source.store.repositories.upsert({
    ...(await scene.repository()),
    name: 'octo/sealed',
    sealedWebhookSecret: new Uint8Array([1, 2, 0, 255]),
  });
  return { finished, running, waiting, attemptId: first.fence.attemptId };
}

test('all of it arrives: what is finished, runs and waits goes on there, numbered as before', async (context) => {
  const { finished, running, waiting, attemptId } = await fill();
  const to = await databaseFor(context, empty);
  const tables: string[] = [];
  const rows = await copyData({ from: source.url, to, onTable: ({ name }) => tables.push(name) });
  expect(rows).toBeGreaterThan(30);
  expect(tables).toContain('log_chunks');

  const store = await createPostgresStore({ url: to, logger: createLogger({ level: 'silent' }) });
  context.onTestFinished(() => store.close());
  for (const id of [finished, running, waiting]) {
    expect(await store.runs.find({ id })).toEqual(await source.store.runs.find({ id }));
  }
  const chunks = (from: typeof store) => from.logs.read(attemptId, { afterSeq: 0, limit: 100 });
  expect(await chunks(store)).toEqual(await chunks(source.store));
  expect((await chunks(store)).length).toBeGreaterThan(0);
  expect(await store.repositories.list()).toEqual(await source.store.repositories.list());
  await assertReplays(store);

  // The next numbers, and the same refusals, as in the database that it came from.
  const there = new Scene({ store, other: store, advance: async () => undefined, close: async () => undefined });
  const next = await there.run(await there.plan(job('build')));
  expect(next.number).toBe((await scene.run(waiting)).number + 1);
  const birch = await there.host('birch');
  expect((await birch.work()).runId).toBe(waiting);
  await expect(query(to, 'update run_events set seq = seq')).rejects.toThrow();
});

test('nothing of the source is changed, and the target must be empty', async (context) => {
  await fill();
  const to = await databaseFor(context, empty);
  const client = new Client({ connectionString: source.url });
  await client.connect();
  const contents = async () => {
    const all = [];
    for (const table of await dataTables(client)) all.push([table.name, await contentsOf(client, table)]);
    return all;
  };
  const before = await contents();
  await copyData({ from: source.url, to });
  expect(await contents()).toEqual(before);
  await client.end();
  const refused = { code: 'refused', message: expect.stringMatching(/holds data already, in .*runs/) };
  await expect(copyData({ from: source.url, to })).rejects.toMatchObject(refused);
});

test('of two moves at once one wins, and the other finds it full', async (context) => {
  await fill();
  const to = await databaseFor(context, empty);
  const moves = await Promise.allSettled([copyData({ from: source.url, to }), copyData({ from: source.url, to })]);
  const lost = moves.filter((move) => move.status === 'rejected');
  expect(lost).toMatchObject([{ reason: { code: 'refused' } }]);
});

test('broken off in the middle nothing is kept, and it can be done again', async (context) => {
  const { waiting } = await fill();
  const to = await databaseFor(context, empty);
  const breaking = new AbortController();
  const onTable = ({ name }: { name: string }) => {
    if (name === 'runs') breaking.abort();
  };
  const { signal } = breaking;
  await expect(copyData({ from: source.url, to, signal, onTable })).rejects.toMatchObject({ name: 'AbortError' });
  await eventually(
    async () =>
      (await query(to, 'select from pg_locks where mode = $$ExclusiveLock$$ and relation is not null')).length === 0,
  );
  expect(await query(to, 'select from repositories')).toEqual([]);
  await copyData({ from: source.url, to });
  expect(await query(to, 'select id from runs')).toContainEqual({ id: waiting });
});

test('a server that goes away in the middle leaves nothing there either', async (context) => {
  await fill();
  const to = await databaseFor(context, empty);
  const ends: Promise<unknown>[] = [];
  const onTable = ({ name }: { name: string }) => {
    const others =
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()';
    if (name === 'runs') ends.push(query(to, others));
  };
  await expect(copyData({ from: source.url, to, onTable })).rejects.toMatchObject({ code: 'database-unavailable' });
  await Promise.all(ends);
  await copyData({ from: source.url, to });
});

test('a row that did not arrive as it was is noticed, and nothing kept', async (context) => {
  await fill();
  const to = await databaseFor(context, empty);
  await migrate(to);
  const body = "begin new.name := new.name || 'x'; return new; end";
  await query(to, `create function meddle() returns trigger language plpgsql as $$ ${body} $$`);
  await query(to, 'create trigger meddle before insert on repositories for each row execute function meddle()');
  await expect(copyData({ from: source.url, to })).rejects.toThrow(/table repositories did not arrive as it was/);
  expect(await query(to, 'select from repositories')).toEqual([]);
});

test('data of another version is not moved', async (context) => {
  const to = await databaseFor(context, empty);
  await expect(copyData({ from: await databaseFor(context, empty), to })).rejects.toMatchObject({ code: 'refused' });
});
