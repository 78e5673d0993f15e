import { rename } from 'node:fs/promises';
import type { ScheduleReading } from '@solstice/common/store';
import { eventually } from '@solstice/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Doorbell } from '../testing/doorbell.js';
import { type Installation, makeInstallation, silent, testIds } from '../testing/installation.js';
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
