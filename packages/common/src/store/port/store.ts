import type { AttemptStore } from './attempts.js';
import type { ChangeFeed } from './changes.js';
import type { CheckStore } from './checks.js';
import type { ConcurrencyStore } from './concurrency.js';
import type { DeadLetterStore } from './dead-letters.js';
import type { DeliveryStore } from './deliveries.js';
import type { HostStore } from './hosts.js';
import type { LogStore } from './logs.js';
import type { ConnectionUse, StoreMeasures } from './measures.js';
import type { OutboxStore } from './outbox.js';
import type { RepositoryStore } from './repositories.js';
import type { RequestKeyStore } from './request-keys.js';
import type { RunStore } from './runs.js';
import type { ScheduleLookStore } from './schedule-looks.js';
import type { ScheduleStore } from './schedules.js';
import type { TimerStore } from './timers.js';

/**
 * The truth. Two adapters keep the same contract (describeStoreContract): PostgreSQL and memory.
 * Records are rows as the rest of the code sees them: our words, Dates for instants, no column names.
 *
 * Rules for all methods: each is one transaction of its own; it has happened wholly when the promise resolves and,
 * unless the error is SolsticeError `database-unavailable` (outcome unknown: read again), not at all when it rejects.
 * Any number of calls may run at once, from any number of processes. After a commit, `changes` is told.
 *
 * What every adapter does with the events of a command, beside appending and projecting them (projection/ has the pure
 * parts): attempts that ended lose their lease; messages (flow's `effects`) go to the outbox; the check of the run is
 * compared with flow's `checkOf`, and where it differs gets a new desired version and a `report` message; all messages
 * and the check carry the run's trace; `changes` is told of `run:<id>`, of `attempt:<id>` for each attempt that changed, of `outbox`, and
 * of `timers` where flow's `timersOf` has other ones now, which are kept as rows of their own.
 */
export interface Store {
  readonly repositories: RepositoryStore;
  readonly deliveries: DeliveryStore;
  readonly runs: RunStore;
  readonly requestKeys: RequestKeyStore;
  readonly attempts: AttemptStore;
  readonly timers: TimerStore;
  readonly concurrency: ConcurrencyStore;
  readonly schedules: ScheduleStore;
  readonly scheduleLooks: ScheduleLookStore;
  readonly hosts: HostStore;
  readonly logs: LogStore;
  readonly outbox: OutboxStore;
  readonly checks: CheckStore;
  readonly deadLetters: DeadLetterStore;
  readonly changes: ChangeFeed;
  /** Numbers for operators, of one instant. Bounded in time; as dear as what waits is long, not as what is stored. */
  measures(): Promise<StoreMeasures>;
  /** Absent where there are no connections. */
  connections?(): ConnectionUse;
  /** Can the store answer? Rejects with `database-unavailable`. */
  ping(): Promise<void>;
  /** Ends connections and listeners. Idempotent. */
  close(): Promise<void>;
}
