import { systemClock } from '@solstice/common/clock';
import { createPostgresStore, migrate, type Store } from '@solstice/common/store';
import { createLogger } from '@solstice/common/telemetry';
import { cloneDatabase, eventually, type TestDatabase } from '@solstice/testing';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { LogItem } from '../client/log-stream.js';
import { type Served, serve, World } from '../testing/index.js';

/** One host that works, two other nodes that serve the API: three processes' ways to one database. */
let world: World;
let host: Store;
let nodes: [Served, Served];
let database: TestDatabase;
let readerStores: Store[];

beforeEach(async () => {
  database = await cloneDatabase({
    key: 'solstice',
    prepare: async (address) => {
      await migrate(address);
    },
  });
  const logger = createLogger({ level: 'silent' });
  const stores = await Promise.all([1, 2, 3].map(() => createPostgresStore({ url: database.url, logger })));
  const [first, ...readers] = stores as [Store, Store, Store];
  host = first;
  readerStores = readers;
  world = new World(systemClock, host);
  nodes = [await serve(readers[0]), await serve(readers[1])];
  onTestFinished(async () => {
    await Promise.all(nodes.map((node) => node.close()));
    await Promise.all(stores.map((store) => store.close()));
    await database.drop();
  });
});

const listening = `from pg_stat_activity
  where datname = current_database() and (query = 'listen solstice_changes' or query like '%pg_notify($1%')
    and pid <> pg_backend_pid()`;

async function listeners(): Promise<number> {
  return (await database.query(`select pid ${listening}`)).length;
}

/** Ends every process's connection for changes, as a failover or a proxy would. */
async function cutListeners(): Promise<number> {
  return (await database.query(`select pg_terminate_backend(pid) ${listening}`)).length;
}

function follow(node: Served): { items: LogItem[]; done: Promise<void> } {
  const items: LogItem[] = [];
  const done = (async () => {
    for await (const item of node.client.log(1, { follow: true })) items.push(item);
  })();
  return { items, done };
}

function printed(items: readonly LogItem[], job?: string): string {
  return items
    .map((item) => (item.kind === 'log' && (job ?? item.job) === item.job ? Buffer.from(item.data).toString() : ''))
    .join('');
}

describe('a run that another host works on', () => {
  test('is seen by every node, live, state and log', async () => {
    await world.plan({ jobs: { build: [], test: ['build'] } });
    const readers = nodes.map(follow);
    const states = (items: LogItem[]) => items.flatMap((item) => (item.kind === 'run' ? [item.run] : [])).at(-1);
    await eventually(() => readers.every(({ items }) => states(items)?.state === 'queued'));
    const worker = await world.work();
    await worker.stepStarted(0);
    await eventually(() => readers.every(({ items }) => states(items)?.nodes[0]?.attempts[0]?.hostId === 'alder'));
    let expected = '';
    for (let line = 0; line < 5; line += 1) {
      expected += `line ${line}\n`;
      await worker.print(`line ${line}\n`);
      await eventually(() => readers.every(({ items }) => printed(items) === expected), {
        describe: `both have line ${line}`,
      });
    }
    const page = await fetch((await nodes[1].client.run(1)).url);
    expect(await page.text()).toContain('line 4');
    await worker.finish();
    await (await world.work()).finish();
    await Promise.all(readers.map(({ done }) => done));
    for (const { items } of readers) {
      expect(items.at(-1)).toEqual({ kind: 'end', state: 'succeeded' });
      expect(printed(items)).toBe(expected);
    }
    expect((await nodes[0].client.host('alder')).workers).toEqual([]);
  });

  test('is told by the change feed, not found by looking now and then', async () => {
    await world.plan();
    const worker = await world.work();
    const attemptId = worker.fence.attemptId;
    const told = Promise.all(
      readerStores.map(
        (store) =>
          new Promise<void>((resolve) => {
            store.changes.on(`attempt:${attemptId}`, resolve);
          }),
      ),
    );
    await worker.print('one\n');
    await told;
  });

  test('loses and doubles nothing when the connections that changes are heard on are cut', async () => {
    await world.plan();
    const worker = await world.work();
    const reader = follow(nodes[0]);
    let expected = '';
    const say = async (text: string) => {
      expected += text;
      await worker.print(text);
    };
    for (let round = 0; round < 3; round += 1) {
      await say(`before ${round}\n`);
      await eventually(() => printed(reader.items) === expected);
      expect(await cutListeners()).toBe(3);
      await say(`meanwhile ${round}\n`);
      await eventually(async () => (await listeners()) === 3, { describe: 'everybody listens again' });
      await say(`after ${round}\n`);
      await eventually(() => printed(reader.items) === expected);
    }
    await cutListeners();
    await worker.finish();
    await reader.done;
    expect(printed(reader.items)).toBe(expected);
    expect(reader.items.at(-1)).toEqual({ kind: 'end', state: 'succeeded' });
  });

  test('is read on with Last-Event-ID at another node, again and again', async () => {
    await world.plan({ jobs: { left: [], right: [] } });
    const workers = { left: await world.work(), right: await world.work() };
    const written = { left: '', right: '' };
    const writing = (async () => {
      for (let line = 0; line < 150; line += 1) {
        for (const job of ['left', 'right'] as const) {
          const text = `${job} ${line}\n`;
          written[job] += text;
          await workers[job].print(text);
        }
        if (line === 50) await cutListeners();
      }
      await workers.left.finish();
      await workers.right.finish();
    })();
    const read = { left: '', right: '' };
    let lastEventId: string | undefined;
    let stays = 0;
    for (let ended = false; !ended; stays += 1) {
      let events = 0;
      for await (const event of eventsOf(nodes[stays % 2] as Served, lastEventId)) {
        lastEventId = event.id ?? lastEventId;
        if (event.event === 'log') {
          const { job, data } = JSON.parse(event.data) as { job: 'left' | 'right'; data: string };
          read[job] += Buffer.from(data, 'base64').toString();
        }
        ended = event.event === 'end';
        events += 1;
        // Away, as a reader whose node is restarted.
        if (events === 11) break;
      }
    }
    await writing;
    expect(read).toEqual(written);
    expect(stays).toBeGreaterThan(10);
  });
});

async function* eventsOf(node: Served, lastEventId: string | undefined): AsyncGenerator<EventSourceMessage> {
  const leaving = new AbortController();
  try {
    const response = await fetch(`${node.operatorUrl}/api/v1/runs/1/log?follow=1`, {
      headers: {
        authorization: `Bearer ${node.token}`,
        ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
      },
      signal: leaving.signal,
    });
    const waiting: EventSourceMessage[] = [];
    const parser = createParser({ onEvent: (event) => waiting.push(event) });
    const decoder = new TextDecoder();
    for await (const piece of response.body ?? []) {
      parser.feed(decoder.decode(piece, { stream: true }));
      yield* waiting.splice(0);
    }
  } finally {
    leaving.abort();
  }
}
