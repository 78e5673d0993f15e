import { createHash, randomUUID } from 'node:crypto';
import { systemClock } from '@solstice/common/clock';
import { Secret } from '@solstice/common/config';
import { createMemoryStore, type Delivery, type Store } from '@solstice/common/store';
import { parseWorkflowsInWorker } from '@solstice/common/workflow';
import { eventually, NO_COMMIT } from '@solstice/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ForgeError } from '../forges/forge-error.js';
import { type Forge, type ForgeRepository, sendGitPush } from '../index.js';
import { createRelay } from '../relay/relay.js';
import { Doorbell } from '../testing/doorbell.js';
import { faultyStore } from '../testing/faulty-store.js';
import {
  type Installation,
  makeInstallation,
  silent,
  testIds,
  WEBHOOK_SECRET,
  WORKFLOW,
} from '../testing/installation.js';
import type { ParseFiles } from './draft-plan.js';
import { createPlanner, type Planner } from './planner.js';

let here: Installation;
let bell: Doorbell;
let running: { stop(): Promise<void> }[];
const crashes: string[] = [];
const onCrash = (error: Error, name: string) => void crashes.push(`${name}: ${error.stack}`);
beforeEach(async () => {
  here = await makeInstallation();
  bell = new Doorbell();
  running = [];
  crashes.length = 0;
});
afterEach(async () => {
  await Promise.all(running.map((part) => part.stop()));
  await here[Symbol.asyncDispose]();
  expect(crashes).toEqual([]);
});

const HOUR_MS = 60 * 60_000;
const BROKEN = 'workflow name="Broken" {\n    on "push"\n    job id="x" {\n        stop run="true"\n    }\n}\n';

async function start(overrides: Partial<Parameters<typeof createPlanner>[0]> = {}): Promise<Planner> {
  const { store, forges, clock } = here;
  const relay = createRelay({ store, queue: bell, logger: silent, onCrash, sweepMs: 200 });
  const planner = createPlanner({
    store,
    queue: bell,
    forges,
    logger: silent,
    ids: testIds,
    clock,
    onCrash,
    sweepMs: 200,
    ...overrides,
  });
  await relay.start();
  await planner.start();
  running.push(relay, planner);
  return planner;
}

const git = () => here.repositories.local.hosted.git;
async function push(after: string, options: { ref?: string; before?: string; deliveryId?: string } = {}) {
  const { ref = 'refs/heads/main', before = NO_COMMIT, deliveryId = randomUUID() } = options;
  const sent = await sendGitPush({
    url: here.hookUrl('local'),
    secret: new Secret(WEBHOOK_SECRET),
    deliveryId,
    push: { repository: 'hello', ref, before, after, pusher: 'mira', title: 'A title' },
    signal: AbortSignal.timeout(5_000),
  });
  expect(sent.status).toBe(202);
  return (sent.answer as { delivery: string }).delivery;
}
async function deliveryOf(response: Response | undefined): Promise<string> {
  if (!response) throw new Error('no webhook was sent');
  return ((await response.json()) as { delivery: string }).delivery;
}
const settled = (id: string, store: Store = here.store): Promise<Delivery> =>
  eventually(async () => {
    const delivery = await store.deliveries.get(id);
    return delivery && delivery.state !== 'received' ? delivery : undefined;
  });
const runs = () => here.store.runs.list({ limit: 100 });
const checks = () => here.store.checks.list({ limit: 100 });

describe('a push', () => {
  test('becomes one run for each workflow that matches, with its check', async () => {
    await start();
    const commit = await git().commit({
      files: {
        '.solstice/build.kdl': WORKFLOW,
        '.solstice/docs.kdl': WORKFLOW.replace('Build', 'Docs'),
        '.solstice/release.kdl': WORKFLOW.replace('Build', 'Release').replace('main ', ''),
      },
    });
    const delivery = await settled(await push(commit));
    expect(delivery).toMatchObject({
      state: 'planned',
      reason: 'Release: on "push" wants branch release/*; this is main',
    });
    const planned = await runs();
    expect(planned.map(({ workflow }) => workflow).sort()).toEqual(['Build', 'Docs']);
    expect(delivery.runIds.sort()).toEqual(planned.map(({ id }) => id).sort());
    expect(planned[0]).toMatchObject({
      trigger: { event: 'push', actor: 'mira' },
      source: {
        forge: 'local',
        repositoryName: 'hello',
        ref: 'refs/heads/main',
        commit,
        before: undefined,
        title: 'A title',
        cloneUrl: git().path,
      },
      pageKey: expect.stringMatching(/^[\w-]{22}$/),
    });
    expect((await checks()).map(({ context, commit: on }) => [context, on]).sort()).toEqual([
      ['solstice/Build', commit],
      ['solstice/Docs', commit],
    ]);
  });

  test('freezes the file into its run, with its hash; a later push of another text changes the next run only', async () => {
    await start();
    const [now, later] = [WORKFLOW, WORKFLOW.replace('echo hello', 'echo goodbye')];
    expect(later).not.toBe(now);
    await settled(await push(await git().commit({ files: { '.solstice/a.kdl': now } })));
    const [first] = await runs();
    const before = await here.store.runs.find({ id: first?.id ?? '' });
    await settled(await push(await git().commit({ files: { '.solstice/a.kdl': later } })));
    const [second] = await runs();
    const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');
    expect(before?.spec.workflow).toMatchObject({ file: '.solstice/a.kdl', sha256: hashOf(now) });
    expect((await here.store.runs.find({ id: first?.id ?? '' }))?.spec).toEqual(before?.spec);
    expect((await here.store.runs.find({ id: second?.id ?? '' }))?.spec.workflow.sha256).toBe(hashOf(later));
  });

  test('with a broken file: a failed check that names the place; the good files run', async () => {
    await start();
    const commit = await git().commit({ files: { '.solstice/good.kdl': WORKFLOW, '.solstice/bad.kdl': BROKEN } });
    const delivery = await settled(await push(commit));
    expect(delivery).toMatchObject({ state: 'planned', reason: '.solstice/bad.kdl is broken; its check says where' });
    expect(await runs()).toMatchObject([{ workflow: 'Build' }]);
    const bad = (await checks()).find(({ context }) => context === 'solstice/bad.kdl');
    expect(bad).toMatchObject({ runId: undefined, desired: { state: 'failed', pageKey: undefined } });
    expect(bad?.desired.title).toMatch(/^\.solstice\/bad\.kdl:4:9: .*stop/);
    expect(bad?.desired.text).toContain('.solstice/bad.kdl:4:9');
  });

  test('with broken files only: failed, and no run', async () => {
    await start();
    const commit = await git().commit({
      files: { '.solstice/bad.kdl': BROKEN, '.solstice/large.kdl': 'x'.repeat(300_000) },
    });
    expect(await settled(await push(commit))).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('bad.kdl is broken'),
    });
    expect(await runs()).toEqual([]);
    expect((await checks()).map(({ context }) => context).sort()).toEqual(['solstice/bad.kdl', 'solstice/large.kdl']);
  });

  test('with two workflows of one name: the second is refused', async () => {
    await start();
    const commit = await git().commit({ files: { '.solstice/a.kdl': WORKFLOW, '.solstice/b.kdl': WORKFLOW } });
    expect(await settled(await push(commit))).toMatchObject({ state: 'planned' });
    expect(await runs()).toHaveLength(1);
    const refused = (await checks()).find(({ context }) => context === 'solstice/b.kdl');
    expect(refused?.desired.title).toContain('.solstice/a.kdl');
  });

  test('with a word that is not available yet: refused, not left out', async () => {
    await start();
    const later = WORKFLOW.replace('step', 'secret "TOKEN"; step');
    const commit = await git().commit({ files: { '.solstice/a.kdl': later } });
    expect(await settled(await push(commit))).toMatchObject({ state: 'failed' });
    expect((await checks())[0]?.desired.title).toContain('not available yet');
  });

  test.each([
    ['no workflow files', { x: '1' }, /has no \.solstice/],
    [
      'nothing that matches',
      { '.solstice/a.kdl': WORKFLOW.replace('main ', '') },
      /^Build: on "push" wants branch release/,
    ],
  ] as const)('with %s: ignored, and says why', async (_name, files, reason) => {
    await start();
    const commit = await git().commit({ files });
    expect(await settled(await push(commit))).toMatchObject({
      state: 'ignored',
      reason: expect.stringMatching(reason),
    });
    expect([await runs(), await checks()]).toEqual([[], []]);
  });

  test('that deletes a branch: ignored, also when the forge is away', async () => {
    await start();
    expect(await settled(await push(NO_COMMIT, { before: 'a'.repeat(40) }))).toMatchObject({
      state: 'ignored',
      reason: 'branch main was deleted',
    });
  });

  test('of a tag starts nothing that wants branches, and says so', async () => {
    await start();
    const commit = await git().commit({ files: { '.solstice/a.kdl': WORKFLOW } });
    const delivery = await settled(await push(commit, { ref: 'refs/tags/v1' }));
    expect(delivery).toMatchObject({ state: 'ignored', reason: expect.stringContaining('tag v1') });
  });

  test('whose commit is gone: failed for good', async () => {
    await start();
    expect(await settled(await push('dead'.repeat(10)))).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('not (any more)'),
    });
  });

  test('forced away before it was planned is still planned, and so is the one after it', async () => {
    const first = await git().commit({ files: { '.solstice/a.kdl': WORKFLOW } });
    const second = await git().commit({ files: { '.solstice/a.kdl': WORKFLOW, x: '1' }, parents: [] });
    const ids = [await push(first), await push(second, { before: first })];
    await start();
    for (const id of ids) expect(await settled(id)).toMatchObject({ state: 'planned' });
    expect((await runs()).map(({ source }) => source.commit).sort()).toEqual([first, second].sort());
  });

  test('from the forges with an API', async () => {
    await start();
    for (const id of ['hub', 'forgejo'] as const) {
      const { hosted } = here.repositories[id];
      const sender = here.sender(id === 'hub' ? 'github' : 'forgejo');
      await sender.watch(hosted);
      const commit = await hosted.git.commit({ files: { '.solstice/a.kdl': WORKFLOW } });
      const [response] = await sender.sendChanges(hosted);
      expect(response?.status).toBe(202);
      expect(await settled(await deliveryOf(response))).toMatchObject({ state: 'planned' });
      expect((await runs())[0]).toMatchObject({ source: { commit, forge: id } });
    }
  });
});

describe('while a forge is away', () => {
  const wait = async (id: string, tries: number) =>
    eventually(async () => {
      const delivery = await here.store.deliveries.get(id);
      return delivery && delivery.tries >= tries ? delivery : undefined;
    });
  async function pushToForgejo() {
    const { hosted } = here.repositories.forgejo;
    const sender = here.sender('forgejo');
    await sender.watch(hosted);
    await hosted.git.commit({ files: { '.solstice/a.kdl': WORKFLOW } });
    const [response] = await sender.sendChanges(hosted);
    return deliveryOf(response);
  }

  test('the delivery waits, says why, and is planned when the forge is back', async () => {
    here.forgejo.misbehave({ times: 3, status: 502 });
    await start();
    const id = await pushToForgejo();
    const waiting = await wait(id, 1);
    expect(waiting).toMatchObject({ state: 'received', reason: expect.stringContaining('HTTP 502') });
    expect(waiting.nextTryAt?.getTime()).toBeGreaterThan(here.clock.now().getTime());
    for (const tries of [2, 3]) {
      here.clock.advance(10 * 60_000);
      await wait(id, tries);
    }
    here.clock.advance(10 * 60_000);
    expect(await settled(id)).toMatchObject({ state: 'planned', tries: 3 });
    expect(await runs()).toHaveLength(1);
  }, 60_000);

  test('Retry-After is obeyed', async () => {
    here.forgejo.misbehave({ times: 1, status: 429, headers: { 'retry-after': '1800' } });
    await start();
    const waiting = await wait(await pushToForgejo(), 1);
    expect((waiting.nextTryAt?.getTime() ?? 0) - here.clock.now().getTime()).toBeGreaterThan(1_700_000);
  });

  test('after a day it is failed, with the last reason', async () => {
    here.forgejo.misbehave({ times: 1000, status: 503 });
    await start();
    const id = await pushToForgejo();
    await wait(id, 1);
    here.clock.advance(24 * HOUR_MS);
    const delivery = await settled(id);
    expect(delivery.state).toBe('failed');
    expect(delivery.reason).toMatch(/^given up after 24 hours: .*HTTP 503/);
  });

  test('a slow forge holds up no other', async () => {
    here.forgejo.misbehave({ times: 1000, delayMs: Number.POSITIVE_INFINITY });
    await start();
    const { hosted } = here.repositories.forgejo;
    const sender = here.sender('forgejo');
    for (let index = 0; index < 8; index++) {
      await hosted.git.commit({ files: { '.solstice/a.kdl': WORKFLOW, x: String(index) } });
      await sender.sendChanges(hosted);
    }
    await eventually(() => here.forgejo.requests.length >= 4);
    const commit = await git().commit({ files: { '.solstice/a.kdl': WORKFLOW } });
    expect(await settled(await push(commit))).toMatchObject({ state: 'planned' });
    expect(here.forgejo.mostAtOnce).toBe(4);
  });
});

describe.each(['parse-deadline', 'parse-failed'])('a file that nobody could read: %s', (code) => {
  /** Of no file that was read, until it says otherwise. */
  const busy = { still: true, tries: 0 };
  beforeEach(() => Object.assign(busy, { still: true, tries: 0 }));
  const parse: ParseFiles = async (files) => {
    if (!busy.still) return parseWorkflowsInWorker(files, { deadlineMs: 20_000 });
    busy.tries++;
    const at = { line: 1, column: 1, endLine: 1, endColumn: 1 };
    const found = { ...at, code, severity: 'error' as const, message: 'the machine was busy' };
    return files.map(({ file }) => ({ diagnostics: [{ ...found, file }] }));
  };
  const NIGHTLY = WORKFLOW.replace('job id', 'on "schedule" cron="0 3 * * *"\n    job id');
  const postponed = (id: string, tries: number): Promise<Delivery> =>
    eventually(async () => {
      const delivery = await here.store.deliveries.get(id);
      return delivery && (delivery.tries >= tries || delivery.state !== 'received') ? delivery : undefined;
    });

  test('a push waits, and so does a tick', async () => {
    await start({ parse });
    const id = await push(await git().commit({ files: { '.solstice/a.kdl': NIGHTLY } }));
    expect(await postponed(id, 1)).toMatchObject({
      state: 'received',
      reason: expect.stringContaining('.solstice/a.kdl:1:1: the machine was busy'),
    });
    expect([await runs(), await checks(), await here.store.schedules.list()]).toEqual([[], [], []]);
    busy.still = false;
    here.clock.advance(HOUR_MS);
    expect(await settled(id)).toMatchObject({ state: 'planned', reason: undefined });
    expect(await runs()).toHaveLength(1);

    busy.still = true;
    here.clock.advance(((await here.store.schedules.nextInMs()) ?? 0) + 1_000);
    const [tick] = (await here.store.schedules.take(10)).taken;
    expect(await postponed(tick?.deliveryId ?? '', 1)).toMatchObject({ state: 'received' });
    expect(await here.store.schedules.list()).toMatchObject([{ staleAtCommit: undefined }]);
    busy.still = false;
    here.clock.advance(HOUR_MS);
    expect(await settled(tick?.deliveryId ?? '')).toMatchObject({ state: 'planned' });
    expect(await runs()).toHaveLength(2);
  });

  test('after some tries it is told as what it is for good', async () => {
    await start({ parse });
    const id = await push(await git().commit({ files: { '.solstice/a.kdl': WORKFLOW } }));
    for (let tries = 1; tries <= 8; tries++) {
      expect(await postponed(id, tries)).toMatchObject({ state: 'received', tries });
      here.clock.advance(HOUR_MS);
    }
    expect(await settled(id)).toMatchObject({ state: 'failed', tries: 8 });
    expect(busy.tries).toBe(9);
    expect(await checks()).toMatchObject([{ context: 'solstice/a.kdl', desired: { state: 'failed' } }]);
  });

  test('by hand it is said, and no check is made', async () => {
    await git().commit({ files: { '.solstice/a.kdl': WORKFLOW } });
    const planner = createPlanner({ ...here, queue: bell, logger: silent, ids: testIds, onCrash, parse });
    const { id: repositoryId } = here.repositories.local.row;
    for (const workflow of [undefined, 'Build']) {
      const request = { repositoryId, ref: undefined, commit: undefined, workflow, actor: 'ada' };
      await expect(planner.planManually(request)).rejects.toMatchObject({
        ...{ code: 'source-unavailable', retryable: true },
        message: 'a workflow file could not be read: .solstice/a.kdl:1:1: the machine was busy',
      });
    }
    expect([await runs(), await checks()]).toEqual([[], []]);
  });

  test('by hand and by name, another file is not asked about', async () => {
    await git().commit({ files: { '.solstice/a.kdl': WORKFLOW, '.solstice/b.kdl': WORKFLOW } });
    const halfBusy: ParseFiles = async (files) => {
      const [good] = await parseWorkflowsInWorker(files.slice(0, 1), { deadlineMs: 20_000 });
      return [...(good ? [good] : []), ...(await parse(files.slice(1)))];
    };
    const planner = createPlanner({ ...here, queue: bell, logger: silent, ids: testIds, onCrash, parse: halfBusy });
    const { id: repositoryId } = here.repositories.local.row;
    const request = { repositoryId, ref: undefined, commit: undefined, workflow: 'Build', actor: 'ada' };
    expect(await planner.planManually(request)).toMatchObject({ runs: [{ number: 1 }] });
  });
});

describe('whatever breaks, it is the same one run', () => {
  const twice = ['before', 'after'] as const;
  const calls = ['deliveries.get', 'repositories.get', 'runs.plan', 'outbox.peek', 'outbox.remove'] as const;
  test.each(calls.flatMap((call) => twice.map((when) => [call, when] as const)))(
    '%s: connection lost %s it',
    async (call, when) => {
      here.faulty.fail(call, when);
      await start();
      const commit = await git().commit({ files: { '.solstice/a.kdl': WORKFLOW } });
      expect(await settled(await push(commit))).toMatchObject({ state: 'planned' });
      expect(await runs()).toHaveLength(1);
    },
  );

  test('every message lost: the sweep finds it', async () => {
    bell.copies = 0;
    await start();
    const commit = await git().commit({ files: { '.solstice/a.kdl': WORKFLOW } });
    expect(await settled(await push(commit))).toMatchObject({ state: 'planned' });
    expect(await runs()).toHaveLength(1);
  });

  test('every message three times, to three planners and two relays', async () => {
    bell.copies = 3;
    await start();
    await start();
    await start();
    const commits: string[] = [];
    for (let index = 0; index < 10; index++) {
      commits.push(
        await git().commit({ branch: `release/${index}`, files: { '.solstice/a.kdl': WORKFLOW, x: String(index) } }),
      );
    }
    const ids = await Promise.all(commits.map((commit, index) => push(commit, { ref: `refs/heads/release/${index}` })));
    for (const id of ids) expect(await settled(id)).toMatchObject({ state: 'planned' });
    expect((await runs()).map(({ source }) => source.commit).sort()).toEqual(commits.sort());
  });

  test('stopped in the middle of reading, nothing is written, and the next process does it', async () => {
    const commit = await git().commit({ files: { '.solstice/a.kdl': WORKFLOW } });
    let reading = 0;
    const stuck: Forge = {
      ...(here.forges.get('local') as Forge),
      readWorkflowFiles: (_repository: ForgeRepository, _commit: string, signal: AbortSignal) => {
        reading++;
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new ForgeError('unavailable', 'stopped')), { once: true });
        });
      },
    };
    const first = await start({ forges: new Map([['local', stuck]]) });
    const id = await push(commit);
    await eventually(() => reading > 0);
    await first.stop();
    expect(await here.store.deliveries.get(id)).toMatchObject({ state: 'received', tries: 0 });
    await start();
    expect(await settled(id)).toMatchObject({ state: 'planned' });
    expect(await runs()).toHaveLength(1);
  });

  test('a redelivery after it was planned plans nothing', async () => {
    await start();
    const commit = await git().commit({ files: { '.solstice/a.kdl': WORKFLOW } });
    const deliveryId = randomUUID();
    const id = await push(commit, { deliveryId });
    await settled(id);
    expect(await push(commit, { deliveryId })).toBe(id);
    expect(await runs()).toHaveLength(1);
  });

  test('a parser that cannot start is waited for', async () => {
    let tries = 0;
    await start({
      parse: async () => {
        tries++;
        throw new Error('no thread');
      },
    });
    const id = await push(await git().commit({ files: { '.solstice/a.kdl': WORKFLOW } }));
    await eventually(() => tries > 0);
    const waiting = await eventually(async () => {
      const delivery = await here.store.deliveries.get(id);
      return delivery && delivery.tries > 0 ? delivery : undefined;
    });
    expect(waiting).toMatchObject({ state: 'received', reason: 'no thread' });
  });

  test('a bug in the store is a crash that is told, not a loop that is silently gone', async () => {
    const broken = faultyStore(createMemoryStore({ clock: systemClock, idSource: randomUUID })).store;
    const store = { ...broken, deliveries: { ...broken.deliveries, due: () => Promise.reject(new TypeError('bug')) } };
    const told: string[] = [];
    const planner = createPlanner({
      store,
      queue: bell,
      forges: here.forges,
      logger: silent,
      ids: testIds,
      onCrash: (error, name) => void told.push(`${name}: ${error.message}`),
    });
    await planner.start();
    await eventually(() => told.length > 0);
    await planner.stop();
    expect(told).toEqual(['planner: bug']);
  });
});

describe('by hand', () => {
  const request = { ref: undefined, commit: undefined, workflow: undefined, actor: 'ada' };
  const plan = (overrides: Record<string, string | undefined> = {}) =>
    createPlanner({ ...here, queue: bell, logger: silent, ids: testIds, onCrash }).planManually({
      ...request,
      repositoryId: here.repositories.local.row.id,
      ...overrides,
    });

  test('the newest of the default branch, a short ref, a commit', async () => {
    const first = await git().commit({ files: { '.solstice/a.kdl': WORKFLOW } });
    const second = await git().commit({ files: { '.solstice/a.kdl': WORKFLOW, x: '1' } });
    const release = await git().commit({ branch: 'release/1', files: { '.solstice/a.kdl': WORKFLOW } });
    await plan();
    await plan({ ref: 'release/1' });
    await plan({ ref: 'refs/heads/main', commit: first });
    expect((await runs()).map(({ source, trigger }) => [source.commit, source.ref, trigger]).reverse()).toEqual([
      [second, 'refs/heads/main', { event: 'manual', actor: 'ada' }],
      [release, 'refs/heads/release/1', { event: 'manual', actor: 'ada' }],
      [first, 'refs/heads/main', { event: 'manual', actor: 'ada' }],
    ]);
  });

  test.each(['hub', 'forgejo'] as const)('of %s, when the token does not see it', async (which) => {
    const { row, hosted } = here.repositories[which];
    const server = which === 'hub' ? here.github : here.forgejo;
    server.repositories.delete(hosted.fullName);
    for (const ref of [undefined, 'main', 'refs/tags/v1']) {
      await expect(plan({ repositoryId: row.id, ref })).rejects.toMatchObject({
        code: 'forge-refused',
        message: 'team/tool is not on the forge, or the token may not see it',
      });
    }
  });

  test('the same again is another run', async () => {
    await git().commit({ files: { '.solstice/a.kdl': WORKFLOW } });
    const [one] = (await plan()).runs;
    const [two] = (await plan()).runs;
    expect([one?.number, two?.number]).toEqual([1, 2]);
  });

  test('one workflow by name, whatever starts it; and an unknown name lists the known', async () => {
    await git().commit({ branch: 'topic', files: { '.solstice/a.kdl': WORKFLOW, '.solstice/bad.kdl': BROKEN } });
    expect(await plan({ ref: 'topic', workflow: 'Build' })).toMatchObject({ runs: [{ number: 1 }] });
    await expect(plan({ ref: 'topic', workflow: 'Buidl' })).rejects.toMatchObject({
      code: 'not-found',
      hint: 'Its workflows: Build. Broken: .solstice/bad.kdl.',
    });
  });

  test('no run, with the reason', async () => {
    await git().commit({ branch: 'topic', files: { '.solstice/a.kdl': WORKFLOW } });
    expect(await plan({ ref: 'topic' })).toEqual({ runs: [], reason: expect.stringContaining('this is topic') });
    await git().commit({ branch: 'bare', files: { x: '1' } });
    expect(await plan({ ref: 'bare' })).toEqual({ runs: [], reason: expect.stringContaining('has no .solstice') });
  });

  test('what is not there', async () => {
    await git().commit({ files: { '.solstice/a.kdl': WORKFLOW } });
    await expect(plan({ ref: 'nowhere' })).rejects.toMatchObject({ code: 'not-found' });
    await expect(plan({ commit: 'abc' })).rejects.toMatchObject({ code: 'usage' });
    await expect(plan({ commit: 'dead'.repeat(10) })).rejects.toMatchObject({ code: 'source-unavailable' });
    await expect(plan({ repositoryId: 'none' })).rejects.toMatchObject({ code: 'not-found' });
  });
});
