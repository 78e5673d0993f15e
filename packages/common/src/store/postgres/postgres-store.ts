import type { WallClock } from '../../clock/index.js';
import type { Logger } from '../../telemetry/index.js';
import type { ChangeTopic, CheckStore, OutboxStore, Store } from '../port/index.js';
import * as checks from '../sql/checks.js';
import { readChunks } from '../sql/logs.js';
import { readMeasures } from '../sql/measures.js';
import * as outbox from '../sql/outbox.js';
import { PostgresAttempts } from './attempts.js';
import { PostgresChangeFeed } from './change-feed.js';
import { Claims } from './claims.js';
import { PostgresConcurrency } from './concurrency.js';
import { Database } from './database.js';
import { PostgresDeadLetters } from './dead-letters.js';
import { PostgresDeliveries } from './deliveries.js';
import { storeError } from './errors.js';
import { FlowCache } from './flow-cache.js';
import { PostgresHosts } from './hosts.js';
import { PostgresRepositories } from './repositories.js';
import { PostgresRequestKeys } from './request-keys.js';
import { RunCommands } from './run-commands.js';
import { PostgresRuns } from './runs.js';
import { PostgresScheduleLooks } from './schedule-looks.js';
import { PostgresSchedules } from './schedules.js';
import { PostgresTimers } from './timers.js';

export interface PostgresStoreSettings {
  /** A connection string, to a database that `migrate` has brought up to date. */
  url: string;
  logger: Logger;
  /** For tests. Default: the database's own clock, so that hosts with wrong clocks agree on what is due. */
  clock?: WallClock;
  /** For everything but renewals and changes, which have one each. Default 10. */
  maxConnections?: number;
}

const cachedRuns = 500;
/** A host tries several times before its lease of 30 s is over. */
const RENEWAL_ANSWER_MS = 5_000;

/** The Store on PostgreSQL. Rejects with `database-unavailable` when it does not answer. */
export async function createPostgresStore(settings: PostgresStoreSettings): Promise<Store> {
  const { url, logger } = settings;
  const changes = new PostgresChangeFeed({ url, logger });
  const shared = {
    url,
    logger,
    ...(settings.clock !== undefined && { clock: settings.clock }),
    tell: (topics: ReadonlySet<ChangeTopic>) => changes.tell(topics),
  };
  const db = new Database({ ...shared, maxConnections: settings.maxConnections ?? 10 });
  const renewals = new Database({ ...shared, maxConnections: 1, answerWithinMs: RENEWAL_ANSWER_MS });
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await Promise.all([db.close(), renewals.close()]);
    await changes.close();
  };
  try {
    await db.ping();
    await changes.open();
  } catch (error) {
    await close();
    throw storeError(error);
  }
  const commands = new RunCommands(new FlowCache(cachedRuns));
  return {
    repositories: new PostgresRepositories(db),
    deliveries: new PostgresDeliveries(db),
    runs: new PostgresRuns(db, commands),
    requestKeys: new PostgresRequestKeys(db),
    attempts: new PostgresAttempts(db, commands, new Claims(db, commands)),
    timers: new PostgresTimers(db, commands),
    concurrency: new PostgresConcurrency(db, commands),
    schedules: new PostgresSchedules(db),
    scheduleLooks: new PostgresScheduleLooks(db),
    hosts: new PostgresHosts(db, renewals, commands),
    logs: { read: (attemptId, options) => db.direct((tx) => readChunks(tx, attemptId, options)) },
    outbox: outboxStore(db),
    checks: checkStore(db),
    deadLetters: new PostgresDeadLetters(db),
    changes,
    measures: () => db.snapshot((tx) => readMeasures(tx, tx.now)),
    connections: () => db.connections(),
    ping: () => db.ping(),
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

function outboxStore(db: Database): OutboxStore {
  return {
    peek: (limit) => db.direct((tx) => outbox.peekMessages(tx, limit)),
    remove: (ids) => db.direct((tx) => outbox.deleteMessages(tx, ids)),
    oldestAgeMs: () =>
      db.direct(async (tx, now) => {
        const at = await outbox.oldestMessageAt(tx);
        return at && Math.max(0, (await now()).getTime() - at.getTime());
      }),
  };
}

function checkStore(db: Database): CheckStore {
  return {
    lease: (request) => db.direct(async (tx, now) => checks.leaseChecks(tx, request, await now())),
    sent: (id, version, lease) => db.direct((tx) => checks.markSent(tx, id, version, lease)),
    // Counts: not to be repeated when nobody knows whether it has happened.
    failed: (id, error, nextTryAt, lease) => db.transaction((tx) => checks.markFailed(tx, id, error, nextTryAt, lease)),
    list: (filter) => db.direct((tx) => checks.listChecks(tx, filter)),
  };
}
