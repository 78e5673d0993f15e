import { rename } from 'node:fs/promises';
import type { ScheduleReading } from '@solstice/common/store';
import { parseWorkflowsInWorker } from '@solstice/common/workflow';
import { eventually } from '@solstice/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Doorbell } from '../testing/doorbell.js';
import { type Installation, makeInstallation, silent, testIds } from '../testing/installation.js';
import type { ParseFiles } from './draft-plan.js';
import { createPlanner, type Planner } from './planner.js';

let here: Installation;
let planners: Planner[];
const crashes: string[] = [];
beforeEach(async () => {
  here = await makeInstallation({ looked: false });
  crashes.length = 0;
  const onCrash = (error: Error, name: string) => void crashes.push(`${name}: ${error.stack}`);
  const { store, forges, clock } = here;
  const common = { store, forges, clock, logger: silent, onCrash, sweepMs: 100, ids: testIds };
  planners = [1, 2].map(() => createPlanner({ ...common, queue: new Doorbell() }));
});
afterEach(async () => {
  for (const planner of planners) await planner.stop();
  expect([...here.github.unknownRequests, ...here.forgejo.unknownRequests]).toEqual([]);
  await here[Symbol.asyncDispose]();
  expect(crashes).toEqual([]);
});

const nightly = (cron = '0 3 * * *') =>
  `workflow name="Nightly" {\n    on "schedule" cron="${cron}"\n    job id="test" { step run="true"; }\n}\n`;
const start = async (): Promise<void> => {
  for (const planner of planners) await planner.start();
};
type Which = keyof Installation['repositories'];
const reading = (which: Which, wanted: (one: ScheduleReading) => boolean): Promise<ScheduleReading> =>
  eventually(async () => {
    const [one] = await here.store.scheduleLooks.readings({ repositoryId: here.repositories[which].row.id });
    return one && wanted(one) ? one : undefined;
  });
const over = ({ dueAt }: ScheduleReading): boolean => dueAt === undefined;

test.each(['hub', 'forgejo', 'local'] as const)(
  '%s: what lies on the default branch counts without a push',
  async (which) => {
    const { row, hosted } = here.repositories[which];
    const commit = await hosted.git.commit({ files: { '.solstice/n.kdl': nightly() } });
    await start();
    expect(await reading(which, over)).toMatchObject({ source: { ref: 'refs/heads/main', commit, workflows: 1 } });
    expect(await here.store.schedules.list()).toMatchObject([{ repositoryId: row.id, cron: '0 3 * * *' }]);
    const files = { '.solstice/t.kdl': nightly('0 4 * * *') };
    const trunk = await hosted.git.commit({ branch: 'trunk', files, parents: [commit] });
    await here.store.repositories.upsert({ ...row, defaultBranch: 'trunk' });
    expect(await reading(which, over)).toMatchObject({ source: { ref: 'refs/heads/trunk', commit: trunk } });
    expect((await here.store.schedules.list()).map(({ cron }) => cron)).toContain('0 4 * * *');
  },
);

test('a file that is wrong, and a branch that is not there, are said', async () => {
  const { row, hosted } = here.repositories.local;
  await hosted.git.commit({ files: { '.solstice/n.kdl': nightly('99 3 * * *') } });
  await start();
  expect((await reading('local', over)).source?.broken).toEqual([
    { file: '.solstice/n.kdl', problem: expect.stringMatching(/^\.solstice\/n\.kdl:2:\d+: .*99/) },
  ]);
  await here.store.repositories.upsert({ ...row, defaultBranch: 'gone' });
  expect(await reading('local', over)).toMatchObject({ problem: 'there is no refs/heads/gone' });
  expect(await reading('hub', over)).toMatchObject({ problem: 'there is no refs/heads/main' });
  const commit = await hosted.git.commit({ branch: 'gone', files: { '.solstice/n.kdl': nightly() } });
  await here.store.repositories.upsert(row);
  expect(await reading('local', ({ source }) => source?.commit === commit)).not.toHaveProperty('problem');
});

test.each([
  ['hub', undefined],
  ['hub', 'main'],
  ['forgejo', undefined],
  ['forgejo', 'main'],
] as const)(
  '%s: a repository that the token may not see yet is not empty (default branch: %s)',
  async (which, defaultBranch) => {
    const { row, hosted } = here.repositories[which];
    const server = which === 'hub' ? here.github : here.forgejo;
    const commit = await hosted.git.commit({ files: { '.solstice/n.kdl': nightly() } });
    server.repositories.delete(hosted.fullName);
    const added = { ...row, defaultBranch };
    await here.store.repositories.upsert(added);
    await start();
    const unseen = await reading(which, ({ problem }) => problem !== undefined);
    expect(unseen).toMatchObject({
      problem: 'team/tool is not on the forge, or the token may not see it',
      dueAt: expect.any(Date),
    });
    server.host(hosted);
    await here.store.repositories.upsert(added);
    expect(await reading(which, over)).toMatchObject({ source: { commit } });
    expect(await here.store.schedules.list()).toMatchObject([{ repositoryId: row.id }]);
  },
);

test.each(['parse-deadline', 'parse-failed'])('a file that nobody could read is read later: %s', async (code) => {
  const { store, forges, clock } = here;
  await here.repositories.local.hosted.git.commit({ files: { '.solstice/n.kdl': nightly() } });
  let busy = true;
  const parse: ParseFiles = async (files) => {
    if (!busy) return parseWorkflowsInWorker(files, { deadlineMs: 20_000 });
    const at = { line: 1, column: 1, endLine: 1, endColumn: 1 };
    const found = { ...at, code, severity: 'error' as const, message: 'the machine was busy' };
    return files.map(({ file }) => ({ diagnostics: [{ ...found, file }] }));
  };
  const onCrash = (error: Error, name: string) => void crashes.push(`${name}: ${error.stack}`);
  const common = { store, forges, clock, logger: silent, onCrash, sweepMs: 100, ids: testIds };
  planners = [createPlanner({ ...common, queue: new Doorbell(), parse })];
  await start();
  // No matter how often: each pause is twice the one before, and at least half of that.
  const { problem, tries, dueAt, lookedAt } = await reading('local', ({ tries, looking }) => tries > 1 && !looking);
  expect(problem).toBe('.solstice/n.kdl:1:1: the machine was busy');
  expect((dueAt?.getTime() ?? 0) - (lookedAt?.getTime() ?? 0)).toBeGreaterThanOrEqual(250 * 2 ** tries);
  expect(await store.schedules.list()).toEqual([]);
  busy = false;
  clock.advance(60 * 60_000);
  expect(await reading('local', over)).not.toHaveProperty('problem');
  expect(await store.schedules.list()).toHaveLength(1);
});

test('what cannot be read now is read later, and it is said why', async () => {
  const { hosted } = here.repositories.local;
  await hosted.git.commit({ files: { '.solstice/n.kdl': nightly() } });
  await rename(hosted.git.path, `${hosted.git.path}.away`);
  await start();
  const away = await reading('local', ({ tries }) => tries > 0);
  expect(away.problem).toContain(hosted.git.path);
  expect(await here.store.schedules.list()).toEqual([]);
  await rename(`${hosted.git.path}.away`, hosted.git.path);
  here.clock.advance(60 * 60_000);
  expect(await reading('local', over)).not.toHaveProperty('problem');
  expect(await here.store.schedules.list()).toHaveLength(1);
});
