import type {
  AttemptResult,
  Command,
  FlowEvent,
  FlowTimer,
  Refusal,
  Rerun,
  RunFlow,
  WorkerProblem,
} from '../flow/index.js';
import type { Message } from '../messages/index.js';
import type { TraceContext } from '../telemetry/index.js';
import type { ConnectionUse, StoreMeasures } from './measures.js';
import type {
  Capacity,
  CheckRecord,
  Claim,
  DeadLetterRecord,
  Delivery,
  DeliveryState,
  DueTimer,
  Fence,
  GroupMember,
  HostLoad,
  HostRecord,
  HostState,
  LogChunkRecord,
  NewDeadLetter,
  NewDelivery,
  NewFailedCheck,
  NewRun,
  PoolOffer,
  Repository,
  RunDetail,
  RunnerRecord,
  RunSummary,
  ScheduleRecord,
  ScheduleSource,
  TakenTick,
  WorkerRecord,
} from './records.js';
import type { RunExport } from './run-export/document.js';

/**
 * The truth. Two adapters keep the same contract (describeStoreContract): PostgreSQL and memory.
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
  readonly attempts: AttemptStore;
  readonly timers: TimerStore;
  readonly concurrency: ConcurrencyStore;
  readonly schedules: ScheduleStore;
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

export interface RepositoryStore {
  /** By (forge, name). Fields that are undefined keep what is stored. */
  upsert(repository: Omit<Repository, 'id' | 'createdAt'>): Promise<Repository>;
  list(): Promise<Repository[]>;
  /**
   * By the forge's id where it is known, else by name; remembers the forge's id (and a new name) from then on. A name
   * whose row has another forge id is another repository: undefined. A new name that another row has is not taken.
   */
  resolve(forge: string, ref: { forgeRepositoryId: string; name: string }): Promise<Repository | undefined>;
  get(id: string): Promise<Repository | undefined>;
}

export interface DeliveryStore {
  /**
   * Inbox row and outbox message, both or none. The same (forge, forgeDeliveryId) again changes nothing and gives
   * `duplicate`. A twin (same twinKey, other delivery id) is stored as `ignored: duplicate of N`.
   */
  accept(delivery: NewDelivery): Promise<{ kind: 'accepted' | 'duplicate'; delivery: Delivery }>;
  get(id: string): Promise<Delivery | undefined>;
  /** Newest first. */
  list(filter: { state?: DeliveryState; limit: number }): Promise<Delivery[]>;
  /** `received` ones whose next try is due, oldest first: what the planner sweeps. */
  due(limit: number): Promise<Delivery[]>;
  /** Compare-and-set from `received`; false: someone else settled it. */
  settle(id: string, state: 'ignored' | 'failed', reason: string): Promise<boolean>;
  /** Stays `received`, tries + 1. False: someone else settled it. */
  postpone(id: string, reason: string, nextTryAt: Date): Promise<boolean>;
}

export interface PlanRequest {
  /** Compare-and-set from `received`; undefined: triggered by hand. */
  deliveryId: string | undefined;
  runs: NewRun[];
  failedChecks: NewFailedCheck[];
  /** What the delivery becomes: `planned`, or `failed` when every file was broken. */
  outcome: { state: 'planned' | 'failed'; reason: string | undefined };
}

export type CommandOutcome = { events: FlowEvent[]; state: RunFlow } | Refusal;

export interface RunStore {
  /**
   * Runs, nodes, first events, checks and outbox, and the delivery's new state: one transaction. `planned: false`: the
   * delivery was settled before, nothing changed, `runs` is empty. Rejects with `refused` what the engine refuses.
   */
  plan(request: PlanRequest): Promise<{ planned: boolean; runs: NewRunNumber[] }>;
  /**
   * The one way to change a run: row lock, load, decide, append, project, outbox. `not-found` rejects. An outcome
   * without events: it had happened before.
   */
  command(
    runId: string,
    command: Exclude<Command, { kind: 'plan' | 'claim' | 'start' | 'finish' | 'refuse' }>,
  ): Promise<CommandOutcome>;
  /** By id, by number, or by page key. */
  find(by: { id: string } | { number: number } | { pageKey: string }): Promise<RunDetail | undefined>;
  /**
   * Does an ended run again, wholly or in part, from its frozen specification, source and trigger: a new run with the
   * same check, whose report takes the old one's place. The old run stays as it is. Rejects `not-found`.
   */
  rerun(request: RerunRequest): Promise<NewRunNumber | Refusal>;
  /**
   * Ends a run here, so that it can go on in another installation, and gives all that goes with it. Refused while a host
   * has anything of it. Of one that was exported before: the same again, so that a lost file loses nothing. Rejects
   * `not-found`.
   */
  export(runId: string, by: string): Promise<RunExport | Refusal>;
  /**
   * Has an exported run go on here, under its id and a number of this installation, as if nothing had happened: what has
   * become due meanwhile happens now. Refused when the run is here already. Rejects `not-found` when its repository is
   * not here, `usage` when the document is not what `export` gave.
   */
  import(request: { document: unknown; pageKey: string; trace?: TraceContext }): Promise<NewRunNumber | Refusal>;
  /** Newest first. */
  list(filter: RunFilter): Promise<RunSummary[]>;
  events(runId: string): Promise<FlowEvent[]>;
}

export interface NewRunNumber {
  id: string;
  number: number;
  pageKey: string;
}

export interface RerunRequest {
  runId: string;
  which: Rerun;
  newRunId: string;
  pageKey: string;
  by: string;
  trace?: TraceContext;
}

export interface RunFilter {
  repositoryId?: string;
  states?: string[];
  /** Only those that wait for something that is no host; their summaries say what. */
  waiting?: boolean;
  beforeNumber?: number;
  limit: number;
}

export interface ClaimRequest {
  hostId: string;
  instance: string;
  /** The same id again gives the same claim. */
  requestId: string;
  /** Made by the caller before the claim, so that a crash after it leaves a name to look for. */
  workerId: string;
  /** SHA-256 of the worker's single-use token. */
  tokenHash: Uint8Array;
  pools: PoolOffer[];
  capacity: Capacity;
}

export interface AttemptStore {
  /**
   * The oldest queued attempt that fits the host (its pools and room, what the job takes, `place`, not-before passed,
   * host not avoided): event, reservation (worker row), lease and fence in one transaction. Undefined: nothing fits now.
   * Rejects with `host-replaced` when the host row has another instance. Undefined too when the host's lease is over,
   * when it is not `active`, and when the attempt that this request id claimed has ended since.
   * An attempt that could be claimed for a minute, and fits nowhere, has one host kept free for it by whichever host
   * asks next: that one takes other work only where it leaves the room. What does not fit, and why, is each node's
   * `waitingFor` and `hostAnswers`.
   */
  claim(request: ClaimRequest): Promise<Claim | undefined>;
  /** The runner is here and its assignment goes out. A Refusal (also: cancel requested) means: send none, destroy the worker. Rejects `fence-lost`. */
  start(fence: Fence): Promise<CommandOutcome>;
  /**
   * The result, through the engine; deletes the lease. Repeating it after success, with the same fence and before the
   * worker is released, succeeds (without events). Rejects `fence-lost`.
   */
  finish(fence: Fence, result: AttemptResult): Promise<CommandOutcome>;
  /** The worker could not be made. Its log gets one line that says so. `problem`: which kind of reason, where it is known. */
  refuse(fence: Fence, detail: string, retryable: boolean, problem?: WorkerProblem): Promise<CommandOutcome>;
  /** The worker is gone, without a result. Its log gets a last line that says so, under the next number. */
  lose(fence: Fence, detail: string): Promise<CommandOutcome>;
  /** Compare-and-set: no session yet, or the same one. False: refused (unknown worker, another token or session, attempt over). */
  openSession(workerId: string, tokenHash: Uint8Array, sessionHash: Uint8Array): Promise<boolean>;
  /**
   * Stores records under the fence; idempotent on (attempt, seq). Answers the highest number that is durable.
   * Rejects `fence-lost`; `record-gap` when the first new number is not the next one.
   */
  record(fence: Fence, records: readonly RunnerRecord[]): Promise<{ durableSeq: number }>;
  durableSeq(attemptId: string): Promise<number>;
  /** After destroy() succeeded: the reservation ends. An attempt that the worker still holds is lost with it. Idempotent. */
  releaseWorker(workerId: string): Promise<void>;
  /** Every worker row of a host. */
  workers(hostId: string): Promise<WorkerRecord[]>;
  /** What a claim says, again, for a worker that is taken over after a restart. Undefined: its attempt is over or elsewhere. */
  claimOf(workerId: string): Promise<Claim | undefined>;
  /** Live attempts of this host whose run or attempt has a cancel intent. */
  cancelRequested(hostId: string): Promise<{ attemptId: string; by: string; reason?: string }[]>;
}

/** What runs wait for in time. Whoever can reach the store fires what is due; any number may try at once. */
export interface TimerStore {
  /** Those whose time has come by the store's clock, the earliest first. */
  due(limit: number): Promise<DueTimer[]>;
  /**
   * Fires up to `limit` of those: one command each, under the lock of its run, whose engine has the last word. A run
   * that somebody else has just now is passed over (`skipped`): what he does may take the timer away, and the next call
   * looks again. `events`: what it came to.
   */
  fire(limit: number): Promise<{ fired: number; skipped: number; events: FlowEvent[] }>;
  /** How long until the next one is due; 0: one is. Undefined: there is none. */
  nextInMs(): Promise<number | undefined>;
  /** All of one run, by key. */
  ofRun(runId: string): Promise<FlowTimer[]>;
}

/**
 * Runs whose workflows say that not all of them may go on at once. A group is (repository, name); its order is that of the
 * events in the inbox, whichever is planned first. `runs.plan` decides under the group's lock whether a new run begins;
 * what others have to hear of it is told here, each command in a transaction of its own. Whoever can reach the store
 * may do so; any number at once.
 */
export interface ConcurrencyStore {
  /**
   * Goes through up to `limit` groups where something has changed: admits whoever's turn has come, and tells those whose
   * place was taken. What somebody else has just now is passed over (`skipped`). `events`: what it came to.
   */
  settle(limit: number): Promise<{ settled: number; skipped: number; events: FlowEvent[] }>;
  /** In order; also those that have ended, while that still matters. */
  members(repositoryId: string, group: string): Promise<GroupMember[]>;
}

/** When workflows start by themselves. Whoever can reach the store takes what is due; one of them gets each tick. */
export interface ScheduleStore {
  /**
   * What the files say takes the place of what is stored. A schedule that stays the same keeps its next tick; a new one
   * has the first after now. `replaced: false`: a newer push was read before, and nothing changes. `stale`: the broken
   * files whose schedules go on as they were.
   */
  replace(source: ScheduleSource): Promise<{ replaced: boolean; stale: string[] }>;
  /** By repository, file, and next tick. */
  list(filter?: { repositoryId?: string }): Promise<ScheduleRecord[]>;
  /**
   * Takes up to `limit` schedules whose tick has come by the store's clock. For each, in one transaction: a delivery with
   * its wake-up, and the next tick. `missed`: ticks that nobody was there for, and that get no run.
   */
  take(limit: number): Promise<{ taken: TakenTick[]; missed: number; skipped: number }>;
  /** How long until the next tick; 0: one is due. Undefined: none comes. */
  nextInMs(): Promise<number | undefined>;
}

export interface HostStore {
  /**
   * Registers or takes over (`keyHash` equal): sets the instance, raises the epoch of its leases. Refuses
   * (`host-name-taken`) while the lease of another key is alive; after that the name is taken over by the new machine:
   * what the old one held is lost, and its worker rows go. Its state stays as an operator set it: a drained host that
   * comes back is drained.
   */
  register(host: {
    id: string;
    keyHash: Uint8Array;
    instance: string;
    capacity: Capacity;
    pools: PoolOffer[];
    notes: string[];
    leaseMs: number;
    version?: string;
    /** Where the process runs, for whoever meets it as the holder of a name. */
    machine?: string;
  }): Promise<HostRecord>;
  /**
   * Renews the lease and compares what the host believes it holds with what is stored. Rejects `host-replaced`.
   * cancel: ask the runner to stop. gone: not (any more) this host's: destroy it. unknown: this host's by the store,
   * but not in its list: make the worker, or lose it. state, drainUntil: what an operator wishes of the host; handing
   * work back when the time is over is the host's own doing.
   */
  renew(request: {
    id: string;
    instance: string;
    leaseMs: number;
    holding: string[];
    notes: string[];
    /** Absent: what is stored stays. */
    load?: HostLoad;
  }): Promise<{
    cancel: { attemptId: string; by: string; reason?: string }[];
    gone: string[];
    unknown: string[];
    state: HostState;
    drainUntil: Date | undefined;
    /** By the clock that `drainUntil` is meant by: the host's own may be wrong. */
    now: Date;
  }>;
  /** By id. */
  list(): Promise<HostRecord[]>;
  /**
   * An operator's wish; any state may follow any other. Takes effect with the commit: no claim of this host succeeds
   * after it, unless it is `active`. The same state with the same deadline and no other reason changes nothing. A
   * change sends a `host` message and tells `host:<id>`. Rejects `not-found`; `refused` for a deadline of another state
   * than `draining`.
   */
  setState(
    id: string,
    change: {
      state: HostState;
      by: string;
      reason?: string;
      drainUntil?: Date;
      /** Instead: so long from now on, by the store's clock, which is that of all hosts. */
      drainForMs?: number;
    },
  ): Promise<HostRecord>;
  /**
   * Forgets a host that is gone for good, with the workers that it had. Rejects `not-found`, and `host-alive` while its
   * lease is alive, or while it holds attempts that the reaper has not taken yet.
   */
  remove(id: string): Promise<void>;
  /**
   * Hosts with their renewal counters: the reaper compares two looks, a full lease apart by its own clock. `session`
   * names the connection that was asked: another one means that the store was away in between, for the hosts too.
   */
  renewals(): Promise<{ id: string; instance: string; renewals: number; hasLeases: boolean; session: string }[]>;
  /** Checks under the host's lock that `renewals` is still the number seen, then loses all its attempts. Answers how many. */
  reap(id: string, seen: { instance: string; renewals: number }): Promise<number>;
  /** Orderly end: the lease is over at once; the workers stay for the next process with the same key. Of another instance: nothing. */
  leave(id: string, instance: string): Promise<void>;
}

export interface DeadLetterStore {
  /** The same letter (all fields equal) again changes nothing: its id is that of the first. */
  add(letter: NewDeadLetter): Promise<{ id: string }>;
  /** Newest first. */
  list(filter: { limit: number }): Promise<DeadLetterRecord[]>;
  count(): Promise<number>;
  get(id: string): Promise<DeadLetterRecord | undefined>;
  /**
   * Reads it again, as this version can: if that works now, the message goes to the outbox and the letter goes, in one
   * transaction. Rejects `not-found`.
   */
  replay(id: string): Promise<{ replayed: true } | { unreadable: string }>;
  /** Rejects `not-found`. */
  remove(id: string): Promise<void>;
}

export interface LogStore {
  /** Chunks with seq > afterSeq, in order, at most `limit` chunks. */
  read(attemptId: string, options: { afterSeq: number; limit: number }): Promise<LogChunkRecord[]>;
}

export interface OutboxStore {
  /** Some waiting messages; not locked: two relays may both send one, which is allowed. */
  peek(limit: number): Promise<{ id: string; message: Message; trace?: TraceContext }[]>;
  remove(ids: readonly string[]): Promise<void>;
  /** Age of the oldest message, milliseconds; undefined: empty. */
  oldestAgeMs(): Promise<number | undefined>;
}

export interface CheckStore {
  /** Takes due checks with desired > sent and no live lease; each has one sender at a time. */
  lease(request: { forge?: string; limit: number; leaseMs: number }): Promise<CheckRecord[]>;
  /**
   * The forge accepted this version. Ends the lease; a newer desired version makes it due at once. A sender whose lease
   * was over and taken by another may have overtaken that one's report: then the newest version is sent once more.
   */
  sent(id: string, version: number, lease: number): Promise<void>;
  /** It did not, or may not have. Ends the lease; of another's lease, as for `sent`. */
  failed(id: string, error: string, nextTryAt: Date, lease: number): Promise<void>;
  list(filter: {
    runId?: string;
    repositoryId?: string;
    commit?: string;
    pendingOnly?: boolean;
    limit: number;
  }): Promise<CheckRecord[]>;
}

/**
 * `outbox`: something is to be sent. `timers`: there are other timers, perhaps an earlier one than before. `schedules`: the
 * same of schedules. `concurrency`: a run has come to its group, or has ended.
 */
export type ChangeTopic =
  | 'outbox'
  | 'timers'
  | 'concurrency'
  | 'schedules'
  | `run:${string}`
  | `attempt:${string}`
  | `host:${string}`;

export interface ChangeFeed {
  /**
   * Called some time after commits that touched the topic; several may fold into one, and after a lost connection it
   * is called once without a change. A hint: read again. Returns the way to stop.
   */
  on(topic: ChangeTopic, listener: () => void): () => void;
}
