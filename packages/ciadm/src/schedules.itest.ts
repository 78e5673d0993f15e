import { expect, test } from 'vitest';
import { served } from './testing/served.js';

test('schedules: for people and as JSON, with what is to be known of them', async () => {
  const { world, call } = await served();
  expect((await call(['schedules'])).stderr).toMatch(/^No schedules\. They are read .* with each push\.\n$/);
  await world.repository();
  expect((await call(['schedules'])).stdout).toBe('acme/app: its default branch is read soon\n');
  const look = await world.store.scheduleLooks.take({ exceptForges: [], holdMs: 1_000 });
  if (look) await world.store.scheduleLooks.postpone(look, 'the forge is away', 60_000);
  const away = 'acme/app: the default branch could not be read: the forge is away; tried again';
  expect((await call(['schedules'])).stdout).toContain(away);
  expect((await call(['repo', 'list'])).stdout).toContain(`schedules of ${away}`);
  const source = {
    repositoryId: (await world.repository()).id,
    deliveryId: undefined,
    commit: 'c0ffee'.padEnd(40, '0'),
    ref: 'refs/heads/main',
    broken: [],
  };
  const rule = { cron: '0 3 * * *', timezone: 'Europe/Zurich', missed: 'skip' as const };
  const files = [{ file: '.solstice/n.kdl', workflow: 'Nightly', schedules: [rule] }];
  await world.store.schedules.replace({ ...source, files });
  const { stdout } = await call(['schedules'], { columns: 100 });
  expect(stdout).toMatch(/REPOSITORY +WORKFLOW +CRON +ZONE +NEXT/);
  expect(stdout).toMatch(/acme\/app +Nightly +0 3 \* \* \* +Europe\/Zurich +(in \d+ (s|min|h)|\d{4}-\d\d-\d\d)\n/);
  await world.store.schedules.replace({
    ...source,
    files: [],
    broken: [{ file: '.solstice/n.kdl', problem: '.solstice/n.kdl:1:1: what?' }],
  });
  expect((await call(['schedules', '--repository', 'acme/app'])).stdout).toContain(
    'Nightly (.solstice/n.kdl): broken at c0ffee00; goes on as it was before\n',
  );
  const { schedules } = JSON.parse((await call(['schedules', '--json'])).stdout);
  expect(schedules).toMatchObject([{ file: '.solstice/n.kdl', ...rule, repository: 'acme/app', skipped: 0 }]);
  expect((await call(['schedules', '--repository', 'acme/none'])).code).toBe(3);
});
