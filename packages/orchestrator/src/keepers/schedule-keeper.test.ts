import { randomUUID } from 'node:crypto';
import { createMemoryStore, type Store } from '@solstice/common/store';
import { createLogger } from '@solstice/common/telemetry';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RunningKeeper } from './keeper.js';
import { startScheduleKeeper } from './schedule-keeper.js';

const MINUTE = 60_000;
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

function keep(): RunningKeeper {
  const onCrash = (error: Error): never => {
    throw error;
  };
  const keeper = startScheduleKeeper({ store, logger: createLogger({ level: 'silent' }), onCrash, everyMs: 600_000 });
  keepers.push(keeper);
  return keeper;
}

async function schedule(cron: string): Promise<void> {
  const repository = await store.repositories.upsert({
    ...{ forge: 'forge', forgeRepositoryId: undefined, name: 'octo/app', cloneUrl: 'x', defaultBranch: undefined },
    ...{ sealedWebhookSecret: undefined, origin: 'settings' },
  });
  await store.schedules.replace({
    ...{
      repositoryId: repository.id,
      deliveryId: undefined,
      ref: 'refs/heads/main',
      commit: 'a'.repeat(40),
      broken: [],
    },
    files: [{ file: 'a.kdl', workflow: 'a', schedules: [{ cron, timezone: 'UTC', missed: 'run-once' }] }],
  });
}

const deliveries = async (): Promise<number> => (await store.deliveries.list({ limit: 100 })).length;

test('a schedule that is stored while it sleeps comes at its time, long before the next look', async () => {
  await keep().passed();
  // To just before the next minute.
  offsetMs = MINUTE - (Date.now() % MINUTE) - 100;
  await schedule('* * * * *');
  await expect.poll(deliveries).toBe(1);
});

test('what became due while nobody looked comes at the start, once', async () => {
  await schedule('*/5 * * * *');
  offsetMs = 3 * 3_600_000;
  await Promise.all([keep().passed(), keep().passed()]);
  expect(await deliveries()).toBe(1);
});

test('a clock that is set back takes nothing early, and nothing again', async () => {
  const keeper = keep();
  await schedule('*/5 * * * *');
  offsetMs = -3_600_000;
  await keeper.passed();
  expect(await deliveries()).toBe(0);
  offsetMs = 5 * MINUTE;
  await keeper.passed();
  expect(await deliveries()).toBe(1);
  offsetMs = -3_600_000;
  await keeper.passed();
  offsetMs = 5 * MINUTE;
  await keeper.passed();
  expect(await deliveries()).toBe(1);
});
