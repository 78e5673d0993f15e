import type { PartHealth } from '@solstice/common/loops';
import type { Consumer, Queue } from '@solstice/common/queue';
import type { Store } from '@solstice/common/store';
import type { Logger } from '@solstice/common/telemetry';

export interface DeadLettersDependencies {
  store: Pick<Store, 'deadLetters'>;
  queue: Pick<Queue, 'onDeadLetter'>;
  logger: Logger;
}

export interface DeadLetters {
  /** Settles without the broker too. Idempotent. */
  start(): Promise<void>;
  /** Waits for the letter in hand. Idempotent. */
  stop(): Promise<void>;
  health(): PartHealth;
}

/**
 * Brings what could not be read from the broker into the database, where operators see it. Any number of processes may
 * do it: storing a letter twice is storing it once. While the database is away the letters stay on the broker.
 */
export function createDeadLetters({ store, queue, logger }: DeadLettersDependencies): DeadLetters {
  const log = logger.child({ part: 'dead letters' });
  let consumer: Consumer | undefined;
  let failing: string | undefined;
  return {
    async start() {
      consumer ??= await queue.onDeadLetter(async (letter) => {
        try {
          const { id } = await store.deadLetters.add(letter);
          failing = undefined;
          log.warn(
            { letter: id, queue: letter.queue, reason: letter.reason },
            'a message could not be read; it is kept',
          );
        } catch (error) {
          failing = error instanceof Error ? error.message : String(error);
          throw error;
        }
      });
    },
    async stop() {
      await consumer?.cancel();
    },
    health() {
      if (!consumer) return { ok: false, detail: 'not started' };
      if (failing !== undefined) return { ok: false, detail: `a letter could not be stored: ${failing}` };
      return { ok: true, detail: 'listening' };
    },
  };
}
