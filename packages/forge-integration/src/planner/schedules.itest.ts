import { randomUUID } from 'node:crypto';
import { Secret } from '@solstice/common/config';
import type { Delivery, RunDetail } from '@solstice/common/store';
import { eventually, NO_COMMIT } from '@solstice/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sendGitPush } from '../index.js';
import { createRelay } from '../relay/relay.js';
import { Doorbell } from '../testing/doorbell.js';
import { type Installation, makeInstallation, silent, testIds, WEBHOOK_SECRET } from '../testing/installation.js';
import { createPlanner, type Planner } from './planner.js';

let here: Installation;
let planners: Planner[];
let relay: { stop(): Promise<void> };
const crashes: string[] = [];
beforeEach(async () => {
  here = await makeInstallation();
  crashes.length = 0;
  const onCrash = (error: Error, name: string) => void crashes.push(`${name}: ${error.stack}`);
  const { store, forges, clock } = here;
  // Two nodes, each with a bell of its own.
  const common = { store, logger: silent, onCrash, sweepMs: 100 };
  planners = [1, 2].map(() => createPlanner({ ...common, queue: new Doorbell(), forges, ids: testIds, clock }));
  relay = createRelay({ ...common, queue: new Doorbell() });
  for (const planner of planners) await planner.start();
});
afterEach(async () => {
  for (const planner of planners) await planner.stop();
  await relay.stop();
  expect([...here.github.unknownRequests, ...here.forgejo.unknownRequests]).toEqual([]);
  await here[Symbol.asyncDispose]();
  expect(crashes).toEqual([]);
});

const nightly = (on = '    on "schedule" cron="0 3 * * *" timezone="Europe/Zurich"', name = 'Nightly') =>
  `workflow name="${name}" {\n${on}\n    job id="test" { step run="true"; }\n}\n`;
const settled = (id: string): Promise<Delivery> =>
  eventually(async () => {
    const delivery = await here.store.deliveries.get(id);
    return delivery && delivery.state !== 'received' ? delivery : undefined;
  });
const runs = async (): Promise<RunDetail[]> => {
  const listed = await here.store.runs.list({ limit: 100 });
  return Promise.all(listed.map(async ({ id }) => (await here.store.runs.find({ id })) as RunDetail));
};
const listed = async (): Promise<string[]> =>
  (await here.store.schedules.list()).map(({ file, workflow, cron }) => `${file} ${workflow} ${cron}`);

type Which = 'hub' | 'forgejo' | 'local';
async function push(which: Which, ref: string, before: string, after: string): Promise<Delivery> {
  const { hosted } = here.repositories[which];
  if (which !== 'local') {
    const sender = here.sender(which === 'hub' ? 'github' : 'forgejo');
    const response = await sender.deliver(await sender.pushOf(hosted, ref, before, after));
    return settled(((await response.json()) as { delivery: string }).delivery);
  }
  const sent = await sendGitPush({
    url: here.hookUrl('local'),
    secret: new Secret(WEBHOOK_SECRET),
    deliveryId: randomUUID(),
    push: { repository: 'hello', ref, before, after, pusher: 'mira' },
    signal: AbortSignal.timeout(5_000),
  });
  return settled((sent.answer as { delivery: string }).delivery);
}

/** The next tick comes, and is taken by one of several who look. */
async function tick(lateMs = 1_000): Promise<Delivery | undefined> {
  here.clock.advance(((await here.store.schedules.nextInMs()) ?? 0) + lateMs);
  const answers = await Promise.all([1, 2, 3].map(() => here.store.schedules.take(10)));
  const taken = answers.flatMap((answer) => answer.taken);
  expect(taken.length).toBeLessThanOrEqual(1);
  return taken[0] && (await settled(taken[0].deliveryId));
}

describe.each(['hub', 'forgejo', 'local'] as const)('schedules: %s', (which) => {
  const git = () => here.repositories[which].hosted.git;

  test('start one run a tick, of the newest commit of the default branch and of their own file', async () => {
    const files = { '.solstice/nightly.kdl': nightly(), '.solstice/push.kdl': nightly('    on "push"', 'Push') };
    const first = await git().commit({ files });
    await push(which, 'refs/heads/main', NO_COMMIT, first);
    expect(await listed()).toEqual(['.solstice/nightly.kdl Nightly 0 3 * * *']);
    expect((await runs()).map(({ workflow }) => workflow)).toEqual(['Push']);
    const newest = await git().commit({ files: { ...files, x: '1' } });
    const delivery = await tick();
    expect(delivery).toMatchObject({ state: 'planned', reason: undefined, eventName: 'schedule' });
    const [run, ...others] = await runs();
    expect(others).toHaveLength(1);
    expect(run).toMatchObject({
      workflow: 'Nightly',
      trigger: { event: 'schedule', actor: 'schedule' },
      source: { ref: 'refs/heads/main', commit: newest },
      spec: { values: { branch: 'main', event: 'schedule', actor: 'schedule', sha: newest } },
    });
    const at = (await here.store.schedules.list())[0]?.lastTick;
    expect(at).toMatchObject({ deliveryId: delivery?.id, runId: run?.id, runNumber: run?.number });
    await tick();
    expect((await runs()).map(({ workflow }) => workflow)).toEqual(['Nightly', 'Nightly', 'Push']);
  });

  test('of other branches are none', async () => {
    const main = await git().commit({ files: { '.solstice/a.kdl': nightly('    on "push"') } });
    const topic = await git().commit({ branch: 'topic', files: { '.solstice/a.kdl': nightly() }, parents: [main] });
    await push(which, 'refs/heads/topic', NO_COMMIT, topic);
    expect(await listed()).toEqual([]);
  });

  test('are those of the branch that was said with the repository, whatever the forge says', async () => {
    const { row } = here.repositories[which];
    const ahead = await here.store.repositories.upsert({ ...row, defaultBranch: 'trunk' });
    expect(ahead.id).toBe(row.id);
    const main = await git().commit({ files: { '.solstice/a.kdl': nightly() } });
    await push(which, 'refs/heads/main', NO_COMMIT, main);
    expect(await listed()).toEqual([]);
    const trunk = await git().commit({ branch: 'trunk', files: { '.solstice/a.kdl': nightly() }, parents: [main] });
    await push(which, 'refs/heads/trunk', NO_COMMIT, trunk);
    expect(await listed()).toHaveLength(1);
    await tick();
    await planners[0]?.planManually({
      ...{ repositoryId: row.id, ref: undefined, commit: undefined, workflow: 'Nightly', actor: 'mira' },
    });
    const sources = (await runs()).map(({ source }) => [source.ref, source.commit]);
    expect(sources).toEqual(Array(2).fill(['refs/heads/trunk', trunk]));
    await here.store.repositories.upsert({ ...row, defaultBranch: 'gone' });
    await expect(
      planners[0]?.planManually({
        ...{ repositoryId: row.id, ref: undefined, commit: undefined, workflow: 'Nightly', actor: 'mira' },
      }),
    ).rejects.toMatchObject({ code: 'not-found', hint: expect.stringContaining('--default-branch') });
  });

  test('are what the newest push says; those of a broken file go on, and it is said', async () => {
    const both = { '.solstice/a.kdl': nightly(undefined, 'A'), '.solstice/b.kdl': nightly(undefined, 'B') };
    const first = await git().commit({ files: both });
    await push(which, 'refs/heads/main', NO_COMMIT, first);
    expect(await listed()).toHaveLength(2);
    const broken = await git().commit({ files: { '.solstice/b.kdl': 'workflow {' } });
    expect(await push(which, 'refs/heads/main', first, broken)).toMatchObject({
      state: 'failed',
      reason: '.solstice/b.kdl is broken; its check says where, and its schedules go on as they were',
    });
    expect(await here.store.schedules.list()).toMatchObject([{ file: '.solstice/b.kdl', staleAtCommit: broken }]);
    expect(await tick()).toMatchObject({ state: 'failed', reason: expect.stringContaining('is broken') });
    const none = await git().commit({ files: { x: '1' } });
    expect(await push(which, 'refs/heads/main', broken, none)).toMatchObject({ state: 'ignored' });
    expect(await listed()).toEqual([]);
  });
});

describe('ticks', () => {
  const git = () => here.repositories.local.hosted.git;

  test('that nobody was there for: one run for all, or none', async () => {
    const on = (cron: string, missed: string) => `    on "schedule" cron="${cron}" missed="${missed}"`;
    const files = {
      '.solstice/once.kdl': nightly(on('*/10 * * * *', 'run-once'), 'Once'),
      '.solstice/skip.kdl': nightly(on('*/10 * * * *', 'skip'), 'Skip'),
    };
    const commit = await git().commit({ files });
    await push('local', 'refs/heads/main', NO_COMMIT, commit);
    expect(await tick(35 * 60_000)).toMatchObject({
      state: 'planned',
      reason: 'nobody was there for 3 earlier ticks: this run stands for them too',
    });
    expect((await runs()).map(({ workflow }) => workflow)).toEqual(['Once']);
    expect(await here.store.schedules.list()).toMatchObject([{ skipped: 0 }, { skipped: 4 }]);
  });

  test('of a schedule that the file does not have any more start nothing, and it goes', async () => {
    const commit = await git().commit({ files: { '.solstice/a.kdl': nightly() } });
    await push('local', 'refs/heads/main', NO_COMMIT, commit);
    // Pushed, and the webhook never came.
    await git().commit({ files: { '.solstice/a.kdl': nightly('    on "push"') } });
    expect(await tick()).toMatchObject({ state: 'ignored', reason: 'Nightly: it has no on "schedule" any more' });
    expect(await listed()).toEqual([]);
    expect(await runs()).toEqual([]);
  });

  test('are planned once, also when their planner breaks off before and after it has written', async () => {
    const commit = await git().commit({ files: { '.solstice/a.kdl': nightly() } });
    await push('local', 'refs/heads/main', NO_COMMIT, commit);
    here.faulty.fail('runs.plan', 'before');
    here.faulty.fail('runs.plan', 'after');
    expect(await tick()).toMatchObject({ state: 'planned' });
    expect(await runs()).toHaveLength(1);
  });
});

describe('changed(…)', () => {
  const on = (events: string) =>
    `workflow name="W" {\n${events}\n    job id="app" { when "changed('src/**')"; step run="true"; }\n    job id="docs" { when "changed('docs/**')"; step run="true"; }\n}\n`;

  test.each(['hub', 'forgejo', 'local'] as const)('%s: is what the push changed, by pattern', async (which) => {
    const { git } = here.repositories[which].hosted;
    const files = { '.solstice/w.kdl': on('    on "push"') };
    const first = await git.commit({ files });
    expect(await push(which, 'refs/heads/main', NO_COMMIT, first)).toMatchObject({
      state: 'planned',
      reason: 'W takes everything as changed: main is new, with nothing to be compared with',
    });
    expect((await runs())[0]?.spec.changed).toEqual({ 'src/**': true, 'docs/**': true });
    const second = await git.commit({ files: { ...files, 'src/a': '1' } });
    expect(await push(which, 'refs/heads/main', first, second)).toMatchObject({ state: 'planned', reason: undefined });
    const [run] = await runs();
    expect(run?.spec.changed).toEqual({ 'src/**': true, 'docs/**': false });
    expect(run?.nodes.map(({ state }) => state)).toEqual(['ready', 'skipped']);
  });

  test('is true of what has nothing to be compared with: a person, a tag, a schedule', async () => {
    const { git } = here.repositories.local.hosted;
    const events = '    on "push" branches="never"\n    on "tag"\n    on "schedule" cron="0 3 * * *"';
    const commit = await git.commit({ files: { '.solstice/w.kdl': on(events) } });
    expect(await push('local', 'refs/heads/main', NO_COMMIT, commit)).toMatchObject({ state: 'ignored' });
    await git.git('tag', 'v1', commit);
    expect(await push('local', 'refs/tags/v1', NO_COMMIT, commit)).toMatchObject({ reason: undefined });
    expect(await tick()).toMatchObject({ reason: undefined });
    const repositoryId = here.repositories.local.row.id;
    const none = { ref: undefined, commit: undefined };
    await planners[0]?.planManually({ ...none, repositoryId, workflow: 'W', actor: 'mira' });
    expect((await runs()).map(({ trigger, spec }) => [trigger.event, spec.changed])).toEqual(
      ['manual', 'schedule', 'tag'].map((event) => [event, { 'src/**': true, 'docs/**': true }]),
    );
  });
});
