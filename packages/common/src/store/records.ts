import type {
  AttemptResult,
  AttemptView,
  Cause,
  CheckState,
  Decision,
  JobSpec,
  NodeSpec,
  NodeState,
  Origin,
  RerunOf,
  RunSpec,
  RunState,
} from '../flow/index.js';
import type { ForgeEvent } from '../forge/index.js';
import type { TraceContext } from '../telemetry/index.js';
import type { Diagnostic } from '../workflow/index.js';

export type { CheckState } from '../flow/index.js';

/** Rows as the rest of the code sees them: our words, Dates for instants, no column names. */

export interface Repository {
  id: string;
  forge: string;
  forgeRepositoryId: string | undefined;
  /** `owner/name`, or `name` for a plain git forge. Unique in its forge. */
  name: string;
  cloneUrl: string;
  defaultBranch: string | undefined;
  /** Sealed (see common/secrets); absent: the forge's own secret counts. */
  sealedWebhookSecret: Uint8Array | undefined;
  /** `settings`: from solstice.kdl; `operator`: added with ciadm. */
  origin: 'settings' | 'operator';
  createdAt: Date;
}

export type DeliveryState = 'received' | 'planned' | 'ignored' | 'failed';

export interface NewDelivery {
  forge: string;
  /** The forge's id of the delivery: the same on a redelivery. */
  forgeDeliveryId: string;
  /** The forge's word for the event (`push`, `create`, …). */
  eventName: string;
  repositoryId: string;
  /** Absent: an event that we don't use; stored as `ignored` with `reason`. */
  event: ForgeEvent | undefined;
  reason: string | undefined;
  /** Finds the same change under another delivery id. Absent: no twin is looked for. */
  twinKey: string | undefined;
  body: Uint8Array;
  /** The span of the request that brought it. Its wake-up carries it on. */
  trace?: TraceContext;
}

export interface Delivery {
  id: string;
  forge: string;
  forgeDeliveryId: string;
  eventName: string;
  repositoryId: string;
  event: ForgeEvent | undefined;
  state: DeliveryState;
  /** Why it is ignored, failed, or still waiting. */
  reason: string | undefined;
  tries: number;
  nextTryAt: Date | undefined;
  receivedAt: Date;
  runIds: string[];
  trace?: TraceContext;
}

export interface SourceRef {
  repositoryId: string;
  forge: string;
  repositoryName: string;
  cloneUrl: string;
  /** `refs/heads/main` */
  ref: string;
  commit: string;
  before: string | undefined;
  title: string | undefined;
}

export interface NewRun {
  runId: string;
  /** Unguessable; the run page's address is made of it. */
  pageKey: string;
  spec: RunSpec;
  source: SourceRef;
  trigger: { event: string; actor: string };
  /** It does another run again, with what is not done anew. */
  origin?: Pick<Origin, 'rerun' | 'reused'>;
  /** The check that this run reports to. */
  checkContext: string;
  /** The span that planned it. The messages, claims and reports of the run carry it on. */
  trace?: TraceContext;
}

/** A check that has no run: a broken workflow file. */
export interface NewFailedCheck {
  source: SourceRef;
  context: string;
  title: string;
  diagnostics: Diagnostic[];
  trace?: TraceContext;
}

export interface RunSummary {
  id: string;
  /** Counted from 1 in this installation; what people call it. */
  number: number;
  workflow: string;
  state: RunState;
  cause: Cause | undefined;
  source: SourceRef;
  trigger: { event: string; actor: string };
  pageKey: string;
  deliveryId: string | undefined;
  cancelRequested: { by: string; reason?: string; at: Date } | undefined;
  /** It does another run again. `number` is that one's; absent: it is not here. */
  rerun?: RerunOf & { number?: number };
  /** It waits for its turn in its concurrency group. */
  held?: true;
  /** Only where it was asked for: what it waits for that is no host. */
  waits?: RunWait[];
  createdAt: Date;
  startedAt: Date | undefined;
  endedAt: Date | undefined;
}

/** Something that a run waits for, for as long as it takes: nothing of it is on any host meanwhile. */
export interface RunWait {
  /** `gate`: people. `wait`: its time. `backoff`: the next attempt's. `held`: the others of its concurrency group. `blocked`: trust. */
  kind: 'gate' | 'wait' | 'backoff' | 'held' | 'blocked';
  /** Absent: the run itself waits. */
  nodeId?: string;
  /** In words, with until when. */
  text: string;
  /** When it ends by itself. Absent: it does not. */
  until?: Date;
}

export interface NodeRecord {
  id: string;
  name: string;
  kind: NodeSpec['kind'];
  state: NodeState;
  needs: string[];
  /** It stands in this branch, and goes on only if the branch took its side. */
  branch?: { id: string; side: 'then' | 'else' };
  /** It begins after all others, and only if something failed. */
  onFailure?: true;
  /** A condition, as it was written. */
  when?: string;
  /** It was not done again: the run in which it ended. Without a number: it is not here. */
  reusedFrom?: { runId: string; number?: number };
  cause: Cause | undefined;
  /** What it hands on, by name. */
  outputs?: Record<string, string>;
  /** It failed, and was allowed to. */
  tolerated?: true;
  /** Of a gate: what was said to it, and counts. */
  decisions?: readonly Decision[];
  /** For a state that is not terminal: what it waits for, and until when. */
  waitingFor: string | undefined;
  /** When that ends by itself, at the latest, if a timer of the run does it. */
  waitsUntil?: Date;
  /** For one that is queued, and could be claimed by now: why each host that there is does not take it. */
  hostAnswers?: HostAnswer[];
  attempts: AttemptRecord[];
}

export interface HostAnswer {
  hostId: string;
  /** As it goes on after the host's name: `does not serve pool large`. */
  reason: string;
}

export interface AttemptRecord extends AttemptView {
  steps: StepRecord[];
  /** The highest record of its runner that is stored. */
  durableSeq: number;
  logBytes: number;
}

export interface StepRecord {
  index: number;
  name: string;
  state: 'waiting' | 'running' | 'succeeded' | 'failed' | 'timed_out' | 'cancelled' | 'skipped';
  exitCode: number | undefined;
  signal: string | undefined;
  startedAt: Date | undefined;
  endedAt: Date | undefined;
}

export interface RunDetail extends RunSummary {
  spec: RunSpec;
  nodes: NodeRecord[];
}

export type LogStreamName = 'stdout' | 'stderr' | 'system';

/** What a runner said, in the order of its one numbering. */
export type RunnerRecord = { seq: number; at: Date } & (
  | { kind: 'log'; step: number; stream: LogStreamName; data: Uint8Array }
  | { kind: 'step-started'; step: number }
  /** Its condition did not hold: it was not started. */
  | { kind: 'step-skipped'; step: number }
  | { kind: 'step-finished'; step: number; result: AttemptResult; exitCode?: number; signal?: string }
  /** The last one. `record` only counts its number; what it says goes to `finish`. */
  | { kind: 'job-finished'; result: AttemptResult }
);

export interface LogChunkRecord {
  seq: number;
  step: number;
  stream: LogStreamName;
  at: Date;
  data: Uint8Array;
}

export interface Capacity {
  cpus: number;
  memoryBytes: number;
  slots: number;
}

/** One pool as a host serves it. */
export interface PoolOffer {
  /** `*` serves every pool that nobody else serves. */
  name: string;
  backend: 'container' | 'process';
  /** The image of a job that names none. */
  image: string | undefined;
  /** What one job takes. */
  cpus: number;
  memoryBytes: number;
  /** Only for runs that are trusted; all are, so far. */
  trustedOnly?: true;
}

/**
 * `cordoned`: takes no new work; what runs goes on. `draining`: the same, and where a deadline was set, what still runs
 * then is handed back. Set by operators; a restart of the host's process changes nothing.
 */
export type HostState = 'active' | 'draining' | 'cordoned';

/** As the host last told it. */
export interface HostLoad {
  /** The load average of the last minute. */
  load1: number;
  memoryFreeBytes: number;
  /** Where its workers and its source mirror are. */
  diskFreeBytes: number;
}

export interface HostStateChange {
  by: string;
  reason?: string;
  at: Date;
}

export interface Resources {
  cpus: number;
  memoryBytes: number;
}

export interface HostRecord {
  id: string;
  instance: string;
  state: HostState;
  /** The last change of the state. Absent: there was none, it is active since it registered. */
  stateChange?: HostStateChange;
  /** Of a draining host: from then on its work is handed back. Absent: it may take its time. */
  drainUntil?: Date;
  capacity: Capacity;
  pools: PoolOffer[];
  /** Sum over its worker rows. */
  reserved: Capacity;
  /** Health of its backends, as the host last told it. */
  notes: string[];
  load?: HostLoad;
  leaseUntil: Date;
  /** When its lease was renewed last; its registration counts. */
  renewedAt: Date;
  /** Since then, by the store's clock. */
  renewalAgeMs: number;
  alive: boolean;
  registeredAt: Date;
  /** Of the Solstice that runs there. */
  version?: string;
  /** The machine's own name and the process, as it told them when it registered. */
  machine?: string;
}

/** What lets a process write for an attempt. Its row is compared in the same transaction as the write. */
export interface Fence {
  attemptId: string;
  hostId: string;
  instance: string;
  epoch: number;
}

export interface Claim {
  fence: Fence;
  workerId: string;
  runId: string;
  runNumber: number;
  nodeId: string;
  attemptNumber: number;
  job: JobSpec;
  pool: PoolOffer;
  /** What was reserved for it, and is what its worker may use: the job's own, else the pool's. */
  resources: Resources;
  source: SourceRef;
  trigger: { event: string; actor: string };
  workflow: string;
  /** True when the same request id claimed it before: the worker may exist already. */
  repeated: boolean;
  /** True when the attempt is `running`: its assignment was sent (after a restart). False for a fresh claim. */
  started: boolean;
  /** What the job needs, as it ended: each node by its id, and several that share one in the workflow by that. */
  needs: Record<string, NeedResult>;
  /** Of the node's deadline, when this was answered; 0: it is over. Absent: there is none. */
  deadlineLeftMs?: number;
  /** What the conditions of its steps may read, as plain JSON, and what `changed()` answers. Absent: no step has one. */
  conditions?: { context: Record<string, unknown>; changed: Record<string, boolean> };
  /** How long the steps that have a deadline ran in earlier attempts, by their index. Absent: none of them has. */
  stepMsUsed?: Record<number, number>;
  /** Both by the store's clock. */
  queuedAt: Date;
  claimedAt: Date;
  /** Of the run. */
  trace?: TraceContext;
}

/** What a job may know of a node that it needs. */
export interface NeedResult {
  result: NodeState;
  /** Its cause, in words. */
  reason?: string;
  outputs: Record<string, string>;
}

export interface WorkerRecord {
  id: string;
  hostId: string;
  attemptId: string;
  pool: string;
  /** False: its attempt has ended or was taken; it is only waiting to be destroyed. */
  attemptLive: boolean;
  epoch: number | undefined;
}

/** Something whose time has come. */
export interface DueTimer {
  key: string;
  runId: string;
  fireAt: Date;
}

/** A run in its concurrency group, and what has become of it. */
export interface GroupMember {
  runId: string;
  workflow: string;
  policy: 'supersede' | 'queue';
  /** The place of its event in the inbox: the order of the group, whichever was planned first. */
  eventOrder: number;
  /** Counts up: it came to the group after those with smaller numbers. */
  entered: number;
  held: boolean;
  ended: boolean;
  /** It was told that a newer run takes its place; it may still be ending. */
  superseded: boolean;
}

/** What a repository's workflow files say of schedules, at a commit of its default branch. */
export interface ScheduleSource {
  repositoryId: string;
  /** The push that it was read for; undefined: it was read by hand, and is newer than all pushes so far. */
  deliveryId: string | undefined;
  commit: string;
  files: { file: string; workflow: string; schedules: ScheduleRule[] }[];
  /** Files that nobody can read now: what they said before goes on. */
  broken: string[];
}

export interface ScheduleRule {
  /** Five fields. */
  cron: string;
  timezone: string;
  /** What becomes of ticks that nobody was there for: one run for all of them, or none. */
  missed: 'run-once' | 'skip';
}

export interface ScheduleRecord extends ScheduleRule {
  id: string;
  repositoryId: string;
  file: string;
  /** The workflow's name, as it was when the schedule was read. */
  workflow: string;
  /** By the store's clock. Undefined: none comes any more. */
  nextAt: Date | undefined;
  /** The last one that something was made of. */
  lastTick?: { at: Date; deliveryId: string; runId?: string; runNumber?: number };
  /** How many ticks passed that nobody was there for, without a run in their place. */
  skipped: number;
  /** Its file is broken at this commit, the newest that was read: the schedule is the one from before. */
  staleAtCommit: string | undefined;
}

/** A tick that was taken, and the delivery that will be planned for it. */
export interface TakenTick {
  scheduleId: string;
  at: Date;
  deliveryId: string;
}

export interface CheckRecord {
  id: string;
  forge: string;
  repositoryId: string;
  repositoryName: string;
  commit: string;
  context: string;
  runId: string | undefined;
  desired: CheckState;
  desiredVersion: number;
  sentVersion: number;
  /** Raised by each lease: says whose report it is that comes back. */
  lease: number;
  tries: number;
  nextTryAt: Date | undefined;
  lastError: string | undefined;
  /** Of the run whose state it shows, or of what could not be planned. */
  trace?: TraceContext;
}

/** A message that nobody could read, kept for the operator. */
export interface NewDeadLetter {
  /** Where it lay. */
  queue: string;
  routingKey: string;
  /** Why it could not be read. */
  reason: string;
  body: Uint8Array;
  /** When it was set aside. */
  at: Date;
}

export interface DeadLetterRecord extends NewDeadLetter {
  id: string;
}
