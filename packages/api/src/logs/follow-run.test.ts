import { describe, expect, test } from 'vitest';
import { World } from '../testing/world.js';
import type { Cursor } from './cursor.js';
import { followLog } from './follow-log.js';
import { type FollowItem, type FollowOptions, followRun } from './follow-run.js';

const text = (data: Uint8Array) => new TextDecoder().decode(data);
const never = new AbortController().signal;

async function all(world: World, runId: string, options: Partial<FollowOptions>): Promise<FollowItem[]> {
  const items: FollowItem[] = [];
  for await (const item of followRun(world.store, runId, { follow: false, signal: never, ...options }))
    items.push(item);
  return items;
}

function printed(items: readonly FollowItem[]): string {
  return items.flatMap((item) => (item.kind === 'log' ? item.chunks.map(({ data }) => text(data)) : [])).join('');
}

describe('followRun', () => {
  test('what is stored, then the end', async () => {
    const world = new World();
    const run = await world.plan();
    const worker = await world.work();
    for (let i = 0; i < 100; i += 1) await worker.print(`${i}\n`);
    const items = await all(world, run.id, {});
    expect(printed(items)).toBe(Array.from({ length: 100 }, (_, i) => `${i}\n`).join(''));
    expect(items.map(({ kind }) => kind)).toEqual(['run', ...Array.from({ length: 7 }, () => 'log'), 'end']);
  });

  test('follows until the run is over, and the last word on the run is how it ended', async () => {
    const world = new World();
    const run = await world.plan();
    const worker = await world.work();
    const following = all(world, run.id, { follow: true, pollMs: 60_000 });
    for (let i = 0; i < 50; i += 1) await worker.print(`${i}\n`);
    await worker.print('the tail', 'stderr', 1);
    await worker.finish();
    const items = await following;
    expect(printed(items)).toBe(`${Array.from({ length: 50 }, (_, i) => `${i}\n`).join('')}the tail`);
    const last = items.filter((item) => item.kind === 'run').at(-1);
    expect(last?.run.state).toBe('succeeded');
    expect(items.at(-1)).toMatchObject({ kind: 'end', run: { state: 'succeeded' } });
  });

  test('jobs side by side, the attempts of a job after each other, from any cut on', async () => {
    const world = new World();
    const run = await world.plan({ jobs: { left: [], right: [] } });
    const following = all(world, run.id, { follow: true, pollMs: 60_000, batch: 2 });
    const left = await world.work();
    const right = await world.work();
    for (let i = 0; i < 7; i += 1) {
      await left.print(`l${i} `);
      await right.print(`r${i} `);
    }
    await right.finish();
    await left.finish();
    const items = await following;
    const whole = logsOf(items);
    expect(whole).toEqual({ left: 'l0 l1 l2 l3 l4 l5 l6 ', right: 'r0 r1 r2 r3 r4 r5 r6 ' });
    for (const [index, item] of items.entries()) {
      if (item.kind !== 'log' && item.kind !== 'run') continue;
      const rest = await all(world, run.id, { after: item.cursor });
      const before = logsOf(items.slice(0, index + 1));
      const after = logsOf(rest);
      for (const job of ['left', 'right']) expect(`${before[job] ?? ''}${after[job] ?? ''}`).toBe(whole[job]);
    }
  });

  test('a new attempt goes on after the lost one; a reader who comes later begins at the newest', async () => {
    let now = Date.now();
    const world = new World({ now: () => new Date(now) });
    const run = await world.plan();
    const first = await world.work();
    await first.print('first ');
    const following = all(world, run.id, { follow: true, pollMs: 60_000 });
    await first.lose('the host is gone');
    now += 60_000;
    const second = await world.work();
    await second.print('second ');
    await second.finish();
    expect(printed(await following)).toMatch(/^first .*second $/s);
    expect(printed(await all(world, run.id, {}))).toBe('second ');
    expect(printed(await all(world, run.id, { selection: { attempt: 1 } }))).toMatch(/^first /);
    // One that had seen nothing of the job yet, but came back, gets all of it.
    expect(printed(await all(world, run.id, { after: new Map() as Cursor }))).toMatch(/^first .*second $/s);
  });

  test('a change between looking and waiting is not missed', async () => {
    const world = new World();
    const run = await world.plan();
    const worker = await world.work();
    let answers = 0;
    const logs = {
      read: async (...args: Parameters<typeof world.store.logs.read>) => {
        const chunks = await world.store.logs.read(...args);
        // It is printed when the reader has looked, and before it waits.
        if (chunks.length === 0 && answers < 5) {
          answers += 1;
          await worker.print(`${answers} `);
        }
        return chunks;
      },
    };
    const stop = new AbortController();
    const options = { follow: true, signal: stop.signal, pollMs: 60_000 };
    let seen = '';
    for await (const item of followRun({ ...world.store, logs }, run.id, options)) {
      seen += printed([item]);
      if (seen.endsWith('5 ')) stop.abort();
    }
    expect(seen).toBe('1 2 3 4 5 ');
  });

  test('a feed that says nothing only costs time', async () => {
    const world = new World();
    const run = await world.plan();
    const worker = await world.work();
    const deaf = { ...world.store, changes: { on: () => () => undefined } };
    const seen: string[] = [];
    const items = followRun(deaf, run.id, { follow: true, signal: never, pollMs: 5 });
    const reading = (async () => {
      for await (const item of items) seen.push(printed([item]));
    })();
    for (let i = 0; i < 20; i += 1) await worker.print(`${i} `);
    await worker.finish();
    await reading;
    expect(seen.join('')).toBe(Array.from({ length: 20 }, (_, i) => `${i} `).join(''));
  });

  test('reads only when it is asked: a slow reader holds one batch', async () => {
    const world = new World();
    const run = await world.plan();
    const worker = await world.work();
    for (let i = 0; i < 100; i += 1) await worker.print('x');
    let reads = 0;
    const logs = {
      read: (...args: Parameters<typeof world.store.logs.read>) => {
        reads += 1;
        return world.store.logs.read(...args);
      },
    };
    const items = followRun({ ...world.store, logs }, run.id, { follow: true, signal: never, batch: 4 });
    await items.next();
    for (let read = 1; read <= 5; read += 1) {
      await items.next();
      expect(reads).toBe(read);
    }
    await items.return(undefined);
  });

  test('stops at once when the signal says so, and lets go of the feed', async () => {
    const world = new World();
    const run = await world.plan();
    await world.work();
    let listening = 0;
    const changes: typeof world.store.changes = {
      on: (topic, listener) => {
        listening += 1;
        const stop = world.store.changes.on(topic, listener);
        return () => {
          listening -= 1;
          stop();
        };
      },
    };
    const stop = new AbortController();
    const items = followRun({ ...world.store, changes }, run.id, { follow: true, signal: stop.signal, pollMs: 60_000 });
    expect((await items.next()).value).toMatchObject({ kind: 'run' });
    const waiting = items.next();
    stop.abort();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(listening).toBe(0);
  });

  test('an unknown run is not-found', async () => {
    await expect(all(new World(), '0190a3c2-0000-7000-8000-000000000000', {})).rejects.toMatchObject({
      code: 'not-found',
    });
  });
});

test('followLog gives one attempt from a record on, and ends with it', async () => {
  const world = new World();
  await world.plan({ jobs: { build: [], other: [] } });
  const worker = await world.work();
  for (const piece of ['a', 'b', 'c']) await worker.print(piece);
  const got: string[] = [];
  const reading = (async () => {
    const options = { afterSeq: 1, signal: never };
    for await (const chunk of followLog(world.store, worker.fence.attemptId, options)) got.push(text(chunk.data));
  })();
  await worker.print('d');
  await worker.finish();
  await reading;
  expect(got).toEqual(['b', 'c', 'd']);
});

function logsOf(items: readonly FollowItem[]): Record<string, string> {
  const logs: Record<string, string> = {};
  for (const item of items) {
    if (item.kind !== 'log') continue;
    logs[item.job] = `${logs[item.job] ?? ''}${item.chunks.map(({ data }) => text(data)).join('')}`;
  }
  return logs;
}
