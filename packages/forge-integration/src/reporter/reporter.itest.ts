import { randomUUID } from 'node:crypto';
import { SolsticeError } from '@solstice/common/errors';
import type { CheckState, NewFailedCheck } from '@solstice/common/store';
import { eventually, type RecordedStatus } from '@solstice/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createPlanner } from '../planner/planner.js';
import { createRelay } from '../relay/relay.js';
import { Doorbell } from '../testing/doorbell.js';
import { type Installation, makeInstallation, silent, testIds, WORKFLOW } from '../testing/installation.js';
import { createReporter } from './reporter.js';

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
  expect([...here.github.unknownRequests, ...here.forgejo.unknownRequests]).toEqual([]);
});

async function start() {
  const { store, forges, clock } = here;
  const shared = { store, queue: bell, logger: silent, onCrash, sweepMs: 200 };
  const relay = createRelay(shared);
  const reporter = createReporter({ ...shared, forges, clock, publicUrl: () => 'http://ci.example' });
  await relay.start();
  await reporter.start();
  running.push(relay, reporter);
  return reporter;
}

type ForgeId = 'hub' | 'forgejo' | 'local';

/** A run of the newest commit, planned by hand. */
async function makeRun(forge: ForgeId, mark = 'x') {
  const { row, hosted } = here.repositories[forge];
  const commit = await hosted.git.commit({ files: { '.solstice/a.kdl': WORKFLOW, mark } });
  const planner = createPlanner({ ...here, queue: bell, logger: silent, ids: testIds, onCrash });
  const [run] = (
    await planner.planManually({ repositoryId: row.id, ref: undefined, commit, workflow: undefined, actor: 'ada' })
  ).runs;
  if (!run) throw new Error('no run');
  return { commit, run };
}

async function makeFailedCheck(forge: ForgeId, commit: string, title: string) {
  const { row } = here.repositories[forge];
  const source: NewFailedCheck['source'] = {
    repositoryId: row.id,
    forge,
    repositoryName: row.name,
    cloneUrl: row.cloneUrl,
    ref: 'refs/heads/main',
    commit,
    before: undefined,
    title: undefined,
  };
  const failed = { source, context: 'solstice/bad.kdl', title, diagnostics: [] };
  await here.store.runs.plan({
    deliveryId: undefined,
    runs: [],
    failedChecks: [failed],
    outcome: { state: 'planned', reason: undefined },
  });
}

const pending = () => here.store.checks.list({ pendingOnly: true, limit: 100 });
const allSent = () => eventually(async () => (await pending()).length === 0, { describe: 'every check was sent' });
const states = (statuses: RecordedStatus[]) => statuses.map(({ state }) => state);

test('a run is shown with its page, and its end replaces its beginning', async () => {
  await start();
  const { commit, run } = await makeRun('hub');
  await allSent();
  expect(here.github.statusesOf(commit).get('solstice/Build')).toMatchObject({
    state: 'pending',
    targetUrl: `http://ci.example/runs/${run.pageKey}`,
  });
  await here.store.runs.command(run.id, { kind: 'cancel', by: 'ada' });
  await allSent();
  expect(states(here.github.statuses)).toEqual(['pending', 'error']);
});

test('changes while nobody reports are one report: the newest', async () => {
  const { commit, run } = await makeRun('forgejo');
  await here.store.runs.command(run.id, { kind: 'cancel', by: 'ada' });
  await start();
  await allSent();
  expect(states(here.forgejo.statuses)).toEqual(['error']);
  expect(here.forgejo.statusesOf(commit).size).toBe(1);
});

test('a check without a run has no page to lead to', async () => {
  const commit = await here.repositories.local.hosted.git.commit({ files: { x: '1' } });
  await makeFailedCheck('local', commit, '.solstice/bad.kdl:3:5: unknown word');
  await start();
  await allSent();
  expect(await here.repositories.local.hosted.git.git('notes', '--ref=solstice', 'show', commit)).toBe(
    'solstice/bad.kdl\tfailed\t.solstice/bad.kdl:3:5: unknown word',
  );
});

describe.each(['hub', 'forgejo'] as const)('when %s has a bad day', (forge) => {
  const server = () => (forge === 'hub' ? here.github : here.forgejo);
  const onlyStatuses = ({ path }: { path: string }) => path.includes('/statuses/');
  const failedOnce = () =>
    eventually(async () => {
      const [check] = await pending();
      return check && check.tries > 0 ? check : undefined;
    });

  test.each([500, 502, 429, 403])('HTTP %i: told, waited for, and sent in the end', async (status) => {
    server().misbehave({ times: 2, status, when: onlyStatuses });
    await start();
    const { commit } = await makeRun(forge);
    expect((await failedOnce()).lastError).toContain(`HTTP ${status}`);
    await eventually(async () => {
      here.clock.advance(5 * 60_000);
      return (await pending()).length === 0;
    });
    expect(server().statusesOf(commit).size).toBe(1);
    expect(server().requests.filter(onlyStatuses)).toHaveLength(3);
  });

  test('down for three days: still sent when it is back', async () => {
    server().misbehave({ times: 1_000_000, status: 503, when: onlyStatuses });
    await start();
    const { commit } = await makeRun(forge);
    for (let day = 1; day <= 3; day++) {
      const { tries } = await failedOnce();
      here.clock.advance(24 * 60 * 60_000);
      await eventually(async () => ((await pending())[0]?.tries ?? 0) > tries);
    }
    server().behave();
    here.clock.advance(24 * 60 * 60_000);
    await allSent();
    expect(server().statusesOf(commit).get('solstice/Build')?.state).toBe('pending');
  });

  test('Retry-After quiets the whole forge until then', async () => {
    server().misbehave({ times: 1, status: 429, headers: { 'retry-after': '120' }, when: onlyStatuses });
    await start();
    await makeRun(forge, 'one');
    const check = await failedOnce();
    expect((check.nextTryAt?.getTime() ?? 0) - here.clock.now().getTime()).toBeGreaterThan(110_000);
    await makeRun(forge, 'two');
    const before = server().requests.filter(onlyStatuses).length;
    // A report to another forge shows that the reporter itself goes on.
    const { commit } = await makeRun('local');
    await eventually(() => here.repositories.local.hosted.git.git('notes', '--ref=solstice', 'show', commit));
    expect(server().requests.filter(onlyStatuses)).toHaveLength(before);
    here.clock.advance(125_000);
    await allSent();
  });

  test('an answer that was lost: the same is sent once more', async () => {
    server().misbehave({ times: 1, disconnect: true, afterwards: true, when: onlyStatuses });
    await start();
    const { commit } = await makeRun(forge);
    await failedOnce();
    here.clock.advance(60_000);
    await allSent();
    expect(server().statuses).toHaveLength(2);
    expect(server().statusesOf(commit).size).toBe(1);
  });

  test('it is asked four things at once at most, and the others go on meanwhile', async () => {
    server().misbehave({ times: 1000, delayMs: 150, when: onlyStatuses });
    for (let index = 0; index < 10; index++) await makeRun(forge, String(index));
    await start();
    const { commit } = await makeRun('local');
    await eventually(() => here.repositories.local.hosted.git.git('notes', '--ref=solstice', 'show', commit));
    await allSent();
    expect(server().statuses).toHaveLength(10);
    expect(server().mostAtOnce).toBeLessThanOrEqual(4);
  });
});

describe('whatever breaks, the last state of the check arrives', () => {
  const calls = ['checks.lease', 'repositories.get', 'checks.sent', 'outbox.peek', 'outbox.remove'] as const;
  const cases = calls.flatMap((call) => (['before', 'after'] as const).map((when) => [call, when] as const));
  test.each(cases)('%s: connection lost %s it', async (call, when) => {
    const { commit } = await makeRun('hub');
    here.faulty.fail(call, when);
    await start();
    await eventually(async () => {
      // Past the lease of a sender that is gone.
      here.clock.advance(30_000);
      return (await pending()).length === 0;
    });
    expect(here.github.statusesOf(commit).get('solstice/Build')?.state).toBe('pending');
  });

  test('every message lost', async () => {
    bell.copies = 0;
    await start();
    await makeRun('hub');
    await allSent();
  });

  test('two reporters and two relays send each version once', async () => {
    await start();
    await start();
    const runs = await Promise.all([1, 2, 3, 4, 5].map((index) => makeRun('forgejo', String(index))));
    await allSent();
    await Promise.all(runs.map(({ run }) => here.store.runs.command(run.id, { kind: 'cancel', by: 'ada' })));
    await allSent();
    expect(here.forgejo.statuses).toHaveLength(10);
  });

  test('stop waits for the report under way', async () => {
    const reports = ({ path }: { path: string }) => path.includes('/statuses/');
    here.github.misbehave({ times: 1, delayMs: 300, when: reports });
    const reporter = await start();
    await makeRun('hub');
    await eventually(() => here.github.requests.some(reports));
    await reporter.stop();
    expect(here.github.statuses).toHaveLength(1);
    expect(await pending()).toEqual([]);
  });
});

describe('the relay', () => {
  test('keeps what the queue does not take, and deletes what it took', async () => {
    bell.outage = new SolsticeError('internal', 'broker away', { retryable: true });
    await start();
    await makeRun('local');
    await eventually(() => here.faulty.calls.filter((call) => call === 'outbox.peek').length > 3);
    expect(await here.store.outbox.peek(10)).not.toEqual([]);
    expect(bell.published).toEqual([]);
    bell.outage = undefined;
    await eventually(async () => (await here.store.outbox.peek(10)).length === 0);
    expect(bell.published.map(({ kind }) => kind).sort()).toEqual(['job', 'report']);
  });

  test('goes through a backlog larger than a batch at once', async () => {
    const { row } = here.repositories.local;
    for (let index = 0; index < 450; index++) {
      await here.store.deliveries.accept({
        forge: 'local',
        forgeDeliveryId: randomUUID(),
        eventName: 'push',
        repositoryId: row.id,
        event: {
          kind: 'forge.push.v1',
          repository: { forgeRepositoryId: 'hello', name: 'hello' },
          ref: 'refs/heads/main',
          before: 'a'.repeat(40),
          after: 'b'.repeat(40),
          created: false,
          deleted: false,
          forced: false,
          pusher: { login: 'mira' },
        },
        reason: undefined,
        twinKey: undefined,
        body: new Uint8Array(),
      });
    }
    const relay = createRelay({ store: here.store, queue: bell, logger: silent, onCrash, sweepMs: 60_000 });
    await relay.start();
    running.push(relay);
    await eventually(async () => (await here.store.outbox.peek(10)).length === 0);
    expect(bell.published).toHaveLength(450);
  });
});

test('every state of a check is one that both APIs take', async () => {
  const states: CheckState['state'][] = [
    'pending',
    'running',
    'succeeded',
    'failed',
    'cancelled',
    'timed_out',
    'error',
  ];
  for (const id of ['hub', 'forgejo'] as const) {
    const { row, hosted } = here.repositories[id];
    const commit = await hosted.git.commit({ files: { x: id } });
    for (const state of states) {
      const check = { state, title: 'x'.repeat(140), text: '', pageKey: undefined };
      await here.forges
        .get(id)
        ?.reportCheck(row, commit, `solstice/${state}`, check, undefined, AbortSignal.timeout(5_000));
    }
  }
  expect(here.github.statuses).toHaveLength(states.length);
  expect(here.forgejo.statuses).toHaveLength(states.length);
});
