import { randomUUID } from 'node:crypto';
import { createMemoryStore, REQUEST_KEPT_MS, type Store } from '@solstice/common/store';
import { createLogger } from '@solstice/common/telemetry';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RunningKeeper } from './keeper.js';
import { startTimerKeeper } from './timer-keeper.js';

let store: Store;
let offsetMs: number;
let keepers: RunningKeeper[];

beforeEach(() => {
  offsetMs = 0;
  keepers = [];
  store = createMemoryStore({ clock: { now: () => new Date(Date.now() + offsetMs) }, idSource: randomUUID });
});

afterEach(async () => {
  for (const keeper of keepers) await keeper.stop();
  await store.close();
});

function keep(everyMs = 60_000): RunningKeeper {
  const onCrash = (error: Error): never => {
    throw error;
  };
  const keeper = startTimerKeeper({ store, logger: createLogger({ level: 'silent' }), onCrash, everyMs });
  keepers.push(keeper);
  return keeper;
}

async function planWait(forMs: number): Promise<string> {
  const repository = await store.repositories.upsert({
    ...{ forge: 'forge', forgeRepositoryId: undefined, name: 'octo/app', cloneUrl: 'x', defaultBranch: undefined },
    ...{ sealedWebhookSecret: undefined, origin: 'settings' },
  });
  const source = {
    ...{ repositoryId: repository.id, forge: 'forge', repositoryName: 'octo/app', cloneUrl: 'x', title: undefined },
    ...{ ref: 'refs/heads/main', commit: 'a'.repeat(40), before: undefined },
  };
  const runId = randomUUID();
  const spec = {
    version: 1 as const,
    workflow: { name: runId, file: 'ci.kdl' },
    nodes: [{ kind: 'wait' as const, id: 'soak', name: 'soak', needs: [], forMs }],
  };
  await store.runs.plan({
    deliveryId: undefined,
    runs: [
      { runId, pageKey: randomUUID(), spec, source, trigger: { event: 'push', actor: 'mara' }, checkContext: 'ci' },
    ],
    failedChecks: [],
    outcome: { state: 'planned', reason: undefined },
  });
  return runId;
}

const stateOf = async (runId: string): Promise<string | undefined> => (await store.runs.find({ id: runId }))?.state;

test('a timer that is stored while it sleeps fires at its time, long before the next look', async () => {
  await keep().passed();
  const runId = await planWait(20);
  await expect.poll(() => stateOf(runId)).toBe('succeeded');
});

test('what became due while nobody looked fires at the start, once', async () => {
  const runId = await planWait(3_600_000);
  offsetMs = 3_600_000;
  await Promise.all([keep().passed(), keep().passed()]);
  expect(await stateOf(runId)).toBe('succeeded');
  const ends = (await store.runs.events(runId)).filter(({ kind }) => kind === 'node.ended');
  expect(ends).toHaveLength(1);
});

test('a clock that is set back fires nothing early', async () => {
  const keeper = keep();
  const runId = await planWait(10_000);
  offsetMs = -3_600_000;
  await keeper.passed();
  expect(await stateOf(runId)).toBe('running');
  offsetMs = 10_000;
  await keeper.passed();
  expect(await stateOf(runId)).toBe('succeeded');
});

test('the key of a request is forgotten when its day is over, and not before', async () => {
  const runId = await planWait(10);
  const keeper = keep();
  await expect.poll(() => stateOf(runId)).toBe('succeeded');
  const requestKey = { key: 'k1', fingerprint: 'f' };
  const ids = { newRunId: randomUUID(), pageKey: randomUUID() };
  await store.runs.rerun({ runId, which: { kind: 'all' }, ...ids, by: 'mara', requestKey });
  offsetMs = REQUEST_KEPT_MS - 60_000;
  await keeper.passed();
  expect(await store.requestKeys.find(requestKey)).toBeDefined();
  offsetMs = REQUEST_KEPT_MS + 60_000;
  await keeper.passed();
  expect(await store.requestKeys.find(requestKey)).toBeUndefined();
});
