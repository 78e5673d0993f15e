import { randomUUID } from 'node:crypto';
import { systemClock } from '@solstice/common/clock';
import type { DeadLetter } from '@solstice/common/queue';
import { createInProcessQueue } from '@solstice/common/queue';
import { createMemoryStore } from '@solstice/common/store';
import { createLogger } from '@solstice/common/telemetry';
import { expect, it } from 'vitest';
import { createDeadLetters } from './dead-letters.js';

const logger = createLogger({ level: 'silent' });
const letter: DeadLetter = {
  queue: 'solstice.reports.v1',
  routingKey: 'codeberg',
  reason: 'version: 9',
  body: new TextEncoder().encode('{}'),
  at: new Date('2026-01-01T00:00:00Z'),
};

it('stores a letter once, leaves it on the broker while it cannot, and says so', async () => {
  const store = createMemoryStore({ clock: systemClock, idSource: randomUUID });
  let outage: Error | undefined;
  let deliver: ((letter: DeadLetter) => Promise<void>) | undefined;
  const letters = createDeadLetters({
    logger,
    store: {
      deadLetters: Object.assign(Object.create(store.deadLetters), {
        add: async (given: DeadLetter) => {
          if (outage) throw outage;
          return await store.deadLetters.add(given);
        },
      }),
    },
    queue: {
      onDeadLetter: async (handler) => {
        deliver = handler;
        return await createInProcessQueue({ logger }).onDeadLetter(handler);
      },
    },
  });
  expect(letters.health().ok).toBe(false);
  await letters.start();
  await letters.start();
  expect(letters.health().ok).toBe(true);
  outage = new Error('planted: no database');
  await expect(deliver?.(letter)).rejects.toBe(outage);
  expect(letters.health()).toEqual({ ok: false, detail: expect.stringContaining('no database') });
  outage = undefined;
  await deliver?.(letter);
  await deliver?.(letter);
  expect(await store.deadLetters.list({ limit: 9 })).toEqual([{ ...letter, id: expect.any(String) }]);
  expect(letters.health().ok).toBe(true);
  await letters.stop();
});
