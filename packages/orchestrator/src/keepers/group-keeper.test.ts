import { randomUUID } from 'node:crypto';
import { systemClock } from '@solstice/common/clock';
import { createMemoryStore, type Store } from '@solstice/common/store';
import { createLogger } from '@solstice/common/telemetry';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startGroupKeeper } from './group-keeper.js';
import type { RunningKeeper } from './keeper.js';

let store: Store;
let keepers: RunningKeeper[];

beforeEach(() => {
  keepers = [];
  store = createMemoryStore({ clock: systemClock, idSource: randomUUID });
});

afterEach(async () => {
  for (const keeper of keepers) await keeper.stop();
  await store.close();
});

function keep(watched: Pick<Store, 'concurrency' | 'changes'> = store): RunningKeeper {
  const onCrash = (error: Error): never => {
    throw error;
  };
  const keeper = startGroupKeeper({
    store: watched,
    logger: createLogger({ level: 'silent' }),
    onCrash,
    everyMs: 60_000,
  });
  keepers.push(keeper);
  return keeper;
}

async function plan(policy: 'queue' | 'supersede'): Promise<string> {
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
    workflow: { name: 'ci', file: 'ci.kdl' },
    nodes: [{ kind: 'wait' as const, id: 'soak', name: 'soak', needs: [], forMs: 3_600_000 }],
    concurrency: { group: 'main', policy },
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

const stateOf = async (runId: string): Promise<string | undefined> => {
  const run = await store.runs.find({ id: runId });
  return run?.held === true ? 'held' : run?.state;
};

test('the end of a run lets the next one go on, long before the next look', async () => {
  await keep().passed();
  const [first, second, third] = [await plan('queue'), await plan('queue'), await plan('queue')];
  expect(await stateOf(second)).toBe('held');
  await store.runs.command(first, { kind: 'cancel', by: 'mara' });
  await expect.poll(() => stateOf(second)).toBe('running');
  expect(await stateOf(third)).toBe('held');
});

test('a newer run takes the place of older ones', async () => {
  await keep().passed();
  const [first, second] = [await plan('supersede'), await plan('supersede')];
  await expect.poll(() => stateOf(first)).toBe('superseded');
  expect(await stateOf(second)).toBe('running');
});

test('what nobody was told of is found at the start, once', async () => {
  const [first, second, third] = [await plan('queue'), await plan('queue'), await plan('queue')];
  await store.runs.command(first, { kind: 'cancel', by: 'mara' });
  await Promise.all([keep().passed(), keep().passed()]);
  expect([await stateOf(second), await stateOf(third)]).toEqual(['running', 'held']);
});

test('a batch in which somebody only left is followed by the next one at once', async () => {
  const [first, second] = [await plan('queue'), await plan('queue')];
  await store.runs.command(first, { kind: 'cancel', by: 'mara' });
  let batches = 0;
  const settle: Store['concurrency']['settle'] = async (limit) => {
    batches += 1;
    return batches > 3 ? store.concurrency.settle(limit) : { settled: 0, left: 100, skipped: 0, events: [] };
  };
  const concurrency = { ...store.concurrency, settle };
  await keep({ concurrency, changes: store.changes }).passed();
  expect(await stateOf(second)).toBe('running');
});
