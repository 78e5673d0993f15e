import { BackgroundLoop, type PartHealth } from '@solstice/common/loops';
import type { Queue } from '@solstice/common/queue';
import type { Store } from '@solstice/common/store';
import type { Logger, Metrics } from '@solstice/common/telemetry';

export interface RelayDependencies {
  store: Pick<Store, 'outbox' | 'changes'>;
  queue: Pick<Queue, 'publish'>;
  logger: Logger;
  onCrash(error: Error, name: string): void;
  /** How often to look without being woken. Default 3 s. */
  sweepMs?: number;
  metrics?: Pick<Metrics, 'count'>;
}

export interface Relay {
  start(): Promise<void>;
  /** Waits for the batch in hand. Idempotent. */
  stop(): Promise<void>;
  health(): PartHealth;
}

const BATCH = 200;

/**
 * Moves the outbox to the queue: publish, then delete. Killed in between, or with a second one beside it, a message is
 * sent twice, which every listener bears; none is ever deleted unsent.
 */
export function createRelay(dependencies: RelayDependencies): Relay {
  const { store, queue, logger, onCrash, sweepMs = 3_000, metrics } = dependencies;
  const loop = new BackgroundLoop({
    name: 'relay',
    everyMs: sweepMs,
    logger: logger.child({ part: 'relay' }),
    onCrash,
    metrics,
    async pass() {
      for (let full = true; full; ) {
        const batch = await store.outbox.peek(BATCH);
        if (batch.length === 0) return;
        await queue.publish(batch.map(({ id: _, ...post }) => post));
        await store.outbox.remove(batch.map(({ id }) => id));
        full = batch.length === BATCH;
      }
    },
  });
  let forget: (() => void) | undefined;
  return {
    async start() {
      forget ??= store.changes.on('outbox', () => loop.wake());
      loop.start();
    },
    async stop() {
      forget?.();
      await loop.stop();
    },
    health: () => loop.health(),
  };
}
