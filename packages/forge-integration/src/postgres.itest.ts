import { randomUUID } from 'node:crypto';
import { Secret } from '@solstice/common/config';
import { createPostgresStore, migrate } from '@solstice/common/store';
import {
  cloneDatabase,
  eventually,
  examplePush,
  exampleRepository,
  githubHeaders,
  githubPayloads,
  NO_COMMIT,
  type TestDatabase,
} from '@solstice/testing';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sendGitPush } from './forges/git/git-webhook.js';
import { createPlanner } from './planner/planner.js';
import { createRelay } from './relay/relay.js';
import { createReporter } from './reporter/reporter.js';
import { Doorbell } from './testing/doorbell.js';
import {
  type Installation,
  makeInstallation,
  silent,
  testIds,
  WEBHOOK_SECRET,
  WORKFLOW,
} from './testing/installation.js';

let here: Installation;
let database: TestDatabase;
let running: { stop(): Promise<void> }[];
const crashes: string[] = [];
beforeEach(async () => {
  database = await cloneDatabase({ key: 'solstice', prepare: async (url) => void (await migrate(url)) });
  here = await makeInstallation({
    makeStore: (clock) => createPostgresStore({ url: database.url, logger: silent, clock }),
  });
  running = [];
  crashes.length = 0;
});
afterEach(async () => {
  await Promise.all(running.map((part) => part.stop()));
  await here[Symbol.asyncDispose]();
  await database.drop();
  expect(crashes).toEqual([]);
});

async function start() {
  const { store, forges, clock } = here;
  const onCrash = (error: Error, name: string) => void crashes.push(`${name}: ${error.stack}`);
  const shared = { store, queue: new Doorbell(), logger: silent, onCrash };
  const parts = [
    createRelay(shared),
    createPlanner({ ...shared, forges, clock, ids: testIds, sweepMs: 300 }),
    createReporter({ ...shared, forges, clock, publicUrl: () => 'http://ci.example', sweepMs: 300 }),
  ];
  for (const part of parts) await part.start();
  running.push(...parts);
}

const pushBody = () => githubPayloads.push(examplePush({ repository: exampleRepository({ id: 501 }) })).body;
const postGithub = (body: string, deliveryId?: string) =>
  fetch(here.hookUrl('hub'), {
    method: 'POST',
    headers: githubHeaders('push', WEBHOOK_SECRET, body, deliveryId),
    body,
  });

test('a push to each forge becomes a run, and its states arrive on the commit', async () => {
  await start();
  const commits: Record<string, string> = {};
  for (const id of ['hub', 'forgejo'] as const) {
    const { hosted } = here.repositories[id];
    const sender = here.sender(id === 'hub' ? 'github' : 'forgejo');
    await sender.watch(hosted);
    commits[id] = await hosted.git.commit({ files: { '.solstice/a.kdl': WORKFLOW } });
    expect((await sender.sendChanges(hosted)).map(({ status }) => status)).toEqual([202]);
  }
  const local = here.repositories.local.hosted.git;
  const after = await local.commit({ files: { '.solstice/a.kdl': WORKFLOW } });
  const push = { repository: 'hello', ref: 'refs/heads/main', before: NO_COMMIT, after, pusher: 'mira' };
  const request = { url: here.hookUrl('local'), secret: new Secret(WEBHOOK_SECRET), deliveryId: randomUUID(), push };
  await sendGitPush({ ...request, signal: AbortSignal.timeout(10_000) });
  await sendGitPush({ ...request, signal: AbortSignal.timeout(10_000) });

  const shown = async () => [
    here.github.statusesOf(commits.hub ?? '').get('solstice/Build')?.state,
    here.forgejo.statusesOf(commits.forgejo ?? '').get('solstice/Build')?.state,
    (await local.git('notes', '--ref=solstice', 'show', after)).split('\t')[1],
  ];
  await eventually(async () => expect(await shown()).toEqual(['pending', 'pending', 'pending']) ?? true);
  const runs = await here.store.runs.list({ limit: 10 });
  expect(runs).toHaveLength(3);
  for (const { id } of runs) await here.store.runs.command(id, { kind: 'cancel', by: 'ada' });
  await eventually(async () => expect(await shown()).toEqual(['error', 'error', 'cancelled']) ?? true);
  expect(await here.store.checks.list({ pendingOnly: true, limit: 10 })).toEqual([]);
});

test('twenty of one delivery at once are one, and so is one run', async () => {
  await start();
  const { hosted } = here.repositories.hub;
  const commit = await hosted.git.commit({ files: { '.solstice/a.kdl': WORKFLOW } });
  const payload = await here.sender('github').pushOf(hosted, 'refs/heads/main', NO_COMMIT, commit);
  const body = JSON.stringify(payload.body);
  const id = randomUUID();
  const answers = await Promise.all(Array.from({ length: 20 }, () => postGithub(body, id)));
  expect(answers.every(({ status }) => status === 202)).toBe(true);
  await eventually(async () => (await here.store.runs.list({ limit: 10 })).length > 0);
  // Its twins, under other ids.
  await Promise.all([postGithub(body), postGithub(body)]);
  await eventually(async () => (await here.store.deliveries.list({ state: 'received', limit: 10 })).length === 0);
  expect(await here.store.runs.list({ limit: 10 })).toHaveLength(1);
  expect((await here.store.deliveries.list({ limit: 10 })).map(({ state }) => state).sort()).toEqual([
    'ignored',
    'ignored',
    'planned',
  ]);
});

test('no signed payload whatever is more than the database takes', async () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom('\u0000', 'a\u0000b', '\ud800', 'refs/heads/\u0000', 'x'.repeat(3000)),
  );
  const fields = fc.record({
    ref: text,
    message: text,
    login: text,
    name: text,
    branch: text,
    id: fc.oneof(text, fc.maxSafeInteger()),
  });
  await fc.assert(
    fc.asyncProperty(fields, fc.boolean(), async ({ ref, message, login, name, branch, id }, keepRef) => {
      const body = structuredClone(pushBody()) as ReturnType<typeof pushBody> & Record<string, Record<string, unknown>>;
      Object.assign(body.head_commit ?? {}, { message });
      Object.assign(body.sender ?? {}, { login, id });
      Object.assign(body.repository ?? {}, { full_name: name, default_branch: branch, clone_url: name });
      const { status } = await postGithub(JSON.stringify(keepRef ? body : { ...body, ref: `refs/heads/${ref}` }));
      expect([202, 400, 404]).toContain(status);
    }),
    { numRuns: 150 },
  );
});
