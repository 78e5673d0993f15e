import { randomInt } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SolsticeError } from '../../errors/index.js';
import { assertReplays } from '../assert-replays.js';
import { Scene, spec, wait } from '../contract/scene.js';
import type { Store } from '../port/index.js';
import { type PostgresUnderTest, postgresUnderTest } from './testing/postgres-under-test.js';

let under: PostgresUnderTest;
let scene: Scene;
let stores: Store[];
beforeEach(async () => {
  under = await postgresUnderTest();
  scene = new Scene(under);
  stores = [under.store, under.other, await under.open()];
});
afterEach(() => under.close());

/** Again until the answer is known, as every caller of the store does. */
async function insist<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof SolsticeError) || error.code !== 'database-unavailable') throw error;
    }
  }
}

/** Breaks connections of the store while `work` goes on. */
async function whileKilling<T>(work: () => Promise<T>): Promise<T> {
  let over = false;
  const killer = async (): Promise<void> => {
    while (!over) {
      await under.query(`
        select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'solstice' and datname = current_database() order by random() limit 1`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  };
  const killing = killer();
  try {
    return await work();
  } finally {
    over = true;
    await killing;
  }
}

it('a group that somebody plans a run of just now is passed over', async () => {
  const run = async (): Promise<string> => {
    const made = await scene.newRun({
      ...spec(wait('soak', 3_600_000)),
      concurrency: { group: 'main', policy: 'queue' },
    });
    await scene.planRuns(made);
    return made.runId;
  };
  const [first, second] = [await run(), await run()];
  await under.store.runs.command(first, { kind: 'cancel', by: 'mara' });
  await under.query('begin');
  await under.query('select from concurrency_groups for update');
  expect(await under.store.concurrency.settle(5)).toMatchObject({ settled: 0, skipped: 1 });
  expect(await scene.run(second)).toMatchObject({ held: true });
  await under.query('commit');
  expect(await under.store.concurrency.settle(5)).toMatchObject({ settled: 1, skipped: 0 });
  expect((await scene.run(second)).held).toBeUndefined();
});

describe('with killed connections and several processes', () => {
  it('a queue lets one run after the other go on, and forgets its group', async () => {
    const most = async (): Promise<number> => {
      const [row] = await under.query<{ active: number }>(`
        select coalesce(max(count), 0)::int as active from (
          select count(*) from concurrency_members m join runs r on r.id = m.run_id
          where r.ended_at is null and not r.held group by m.group_id
        ) as groups`);
      return row?.active ?? 0;
    };
    const runIds: string[] = [];
    const open = async (): Promise<string[]> =>
      (await under.query<{ id: string }>('select id from runs where ended_at is null and not held')).map(
        ({ id }) => id,
      );
    const runOf = (group: string, lane: number) =>
      scene.newRun({
        ...spec(wait('soak', 3_600_000)),
        workflow: { name: `ci${lane}`, file: 'ci.kdl' },
        concurrency: { group, policy: 'queue' },
      });
    for (let count = 0; count < 3; count += 1) {
      const run = await runOf('main', 0);
      runIds.push(run.runId);
      await scene.planRuns(run);
    }
    let planning = 3;
    const planner = async (store: Store, lane: number): Promise<void> => {
      for (let count = 0; count < 8; count += 1) {
        const run = await runOf(count % 4 === 0 ? 'other' : 'main', lane);
        runIds.push(run.runId);
        const request = {
          ...{ deliveryId: undefined, runs: [run], failedChecks: [] },
          outcome: { state: 'planned' as const, reason: undefined },
        };
        await insist(() => store.runs.plan(request)).catch((error: unknown) => {
          // Committed, and its answer lost.
          if (!(error instanceof SolsticeError) || error.code !== 'refused') throw error;
        });
      }
      planning -= 1;
    };
    const seen: number[] = [];
    const keeper = async (store: Store): Promise<void> => {
      while (
        planning > 0 ||
        (await open()).length > 0 ||
        (await under.query('select id from concurrency_groups')).length > 0
      ) {
        await insist(() => store.concurrency.settle(5));
        seen.push(await most());
        for (const id of await open()) {
          if (randomInt(2) === 0) await insist(() => store.runs.command(id, { kind: 'cancel', by: 'mara' }));
        }
      }
    };
    await whileKilling(() => Promise.all([...stores.map(planner), ...stores.map(keeper)]));
    expect(Math.max(...seen)).toBe(1);
    const rows = await under.query<{ state: string }>('select state from runs');
    expect(rows).toHaveLength(27);
    expect(new Set(rows.map(({ state }) => state))).toEqual(new Set(['cancelled']));
    const kinds = (await Promise.all(runIds.map((id) => under.store.runs.events(id)))).flat().map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'run.admitted').length).toBeGreaterThanOrEqual(2);
    expect(await assertReplays(under.store)).toBe(27);
    expect(await under.query('select run_id from concurrency_members')).toEqual([]);
  });

  it('each tick of a schedule has one delivery', async () => {
    const repositoryId = (await scene.repository()).id;
    const schedules = [{ cron: '* * * * *', timezone: 'UTC', missed: 'skip' as const }];
    const files = ['a', 'b', 'c'].map((name) => ({ file: `${name}.kdl`, workflow: name, schedules }));
    await under.store.schedules.replace({
      repositoryId,
      deliveryId: undefined,
      commit: 'a'.repeat(40),
      files,
      ref: 'refs/heads/main',
      broken: [],
    });
    await under.advance(((await under.store.schedules.nextInMs()) ?? 0) + 10);
    const ticks = 12;
    await whileKilling(async () => {
      for (let minute = 0; minute < ticks; minute += 1) {
        await Promise.all(
          [...stores, ...stores].map(async (store) => {
            while ((await insist(() => store.schedules.nextInMs())) === 0) await insist(() => store.schedules.take(2));
          }),
        );
        await under.advance(60_000);
      }
    });
    const deliveries = await under.store.deliveries.list({ limit: 100 });
    expect(new Set(deliveries.map(({ forgeDeliveryId }) => forgeDeliveryId)).size).toBe(3 * ticks);
    expect(deliveries).toHaveLength(3 * ticks);
    expect(
      deliveries.map(({ event }) => event).filter((event) => event?.kind === 'forge.schedule.v1' && event.missed > 0),
    ).toEqual([]);
    expect(await scene.drainOutbox()).toHaveLength(3 * ticks);
  });
});
