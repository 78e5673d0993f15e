import { randomUUID } from 'node:crypto';
import type { ScheduleRule } from '@solstice/common/store';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { type Served, serve, World } from '../testing/index.js';

let nowMs: number;
let world: World;
let server: Served;

beforeEach(async () => {
  nowMs = Date.UTC(2026, 0, 1, 12);
  const clock = { now: () => new Date(nowMs) };
  world = new World(clock);
  server = await serve(world.store, { operator: { clock } });
  onTestFinished(() => server.close());
});

const nightly: ScheduleRule = { cron: '0 3 * * *', timezone: 'Europe/Zurich', missed: 'run-once' };

async function store(broken: string[] = []): Promise<void> {
  await world.store.schedules.replace({
    repositoryId: (await world.repository()).id,
    deliveryId: undefined,
    ...{ ref: 'refs/heads/main', commit: 'b'.repeat(40) },
    files: broken.length > 0 ? [] : [{ file: '.solstice/n.kdl', workflow: 'Nightly', schedules: [nightly] }],
    broken: broken.map((file) => ({ file, problem: `${file}:1:1: what is this?` })),
  });
}

test('schedules are shown with their next tick, and the last one with its run', async () => {
  const { client } = server;
  expect(await client.schedules()).toEqual({ schedules: [], readings: [] });
  await store();
  const repository = await world.repository();
  const [schedule] = (await client.schedules({ repository: 'acme/app' })).schedules;
  expect(schedule).toEqual({
    ...{ id: schedule?.id, repositoryId: repository.id, repository: 'acme/app', skipped: 0 },
    ...{ file: '.solstice/n.kdl', workflow: 'Nightly', ...nightly, nextAt: '2026-01-02T02:00:00.000Z' },
  });
  nowMs = Date.UTC(2026, 0, 2, 2);
  const [tick] = (await world.store.schedules.take(1)).taken;
  const lastTick = { at: '2026-01-02T02:00:00.000Z', deliveryId: tick?.deliveryId };
  expect((await client.schedules()).schedules).toMatchObject([{ lastTick, nextAt: '2026-01-03T02:00:00.000Z' }]);
  const source = {
    ...{ repositoryId: repository.id, forge: 'local', repositoryName: 'acme/app', cloneUrl: 'x', title: undefined },
    ...{ ref: 'refs/heads/main', commit: 'a'.repeat(40), before: undefined },
  };
  const soak = { kind: 'wait' as const, id: 'soak', name: 'soak', needs: [], forMs: 1_000 };
  const spec = { version: 1 as const, workflow: { name: 'Nightly', file: '.solstice/n.kdl' }, nodes: [soak] };
  const trigger = { event: 'schedule', actor: 'schedule' };
  const run = { runId: randomUUID(), pageKey: 'page', spec, source, trigger, checkContext: 'solstice/Nightly' };
  await world.store.runs.plan({
    ...{ deliveryId: tick?.deliveryId, runs: [run], failedChecks: [] },
    outcome: { state: 'planned', reason: undefined },
  });
  expect((await client.schedules()).schedules).toMatchObject([
    { lastTick: { ...lastTick, run: { id: run.runId, number: 1 } } },
  ]);
  await store(['.solstice/n.kdl']);
  expect((await client.schedules()).schedules).toMatchObject([{ staleAtCommit: 'b'.repeat(40) }]);
});

test('those of a repository that is not there are not found', async () => {
  await expect(server.client.schedules({ repository: 'acme/none' })).rejects.toMatchObject({ code: 'not-found' });
});

test('where there are none, it is told what was read, and what stands in the way', async () => {
  const { client } = server;
  const repository = await world.repository();
  const [asked] = (await client.schedules()).readings;
  expect(asked).toEqual({
    ...{ repositoryId: repository.id, repository: 'acme/app', broken: [], dueAt: new Date(nowMs).toISOString() },
  });
  const take = () => world.store.scheduleLooks.take({ exceptForges: [], holdMs: 1_000 });
  const first = await take();
  if (first) await world.store.scheduleLooks.postpone(first, 'the forge is away', 60_000);
  expect((await client.schedules()).readings).toMatchObject([{ problem: 'the forge is away' }]);
  nowMs += 60_000;
  const second = await take();
  if (second) await world.store.scheduleLooks.end(second, 'the repository is empty');
  expect((await client.repositories())[0]?.schedules).toMatchObject({ problem: 'the repository is empty' });
  nowMs += 1;
  await store(['.solstice/n.kdl']);
  const [read] = (await client.schedules()).readings;
  // A push has brought what was not there.
  expect(read).toEqual({
    ...{ repositoryId: repository.id, repository: 'acme/app', ref: 'refs/heads/main', commit: 'b'.repeat(40) },
    ...{ readAt: new Date(nowMs).toISOString(), workflows: 1 },
    broken: [{ file: '.solstice/n.kdl', problem: '.solstice/n.kdl:1:1: what is this?' }],
  });
});
