import type { FlowEvent, RunFlow } from '../../flow/index.js';
import type { Message } from '../../messages/index.js';
import type { TraceContext } from '../../telemetry/index.js';
import type {
  CheckRecord,
  Delivery,
  Fence,
  GroupMember,
  HostRecord,
  LogChunkRecord,
  MadeByRequest,
  PoolOffer,
  Repository,
  Resources,
  ScheduleReading,
  ScheduleRecord,
  WorkerRecord,
} from '../port/index.js';
import type { AttemptProgress, RunMeta, Waiting } from '../projection/index.js';

export interface RunRow {
  flow: RunFlow;
  meta: RunMeta;
  events: FlowEvent[];
}

/** An attempt as it waits; made once, because it never changes. */
export interface QueuedRow extends Waiting {
  queuedAt: number;
  /** `needsText` of it. */
  needs: string;
}

export interface AttemptRow extends AttemptProgress {
  waiting: QueuedRow;
  chunks: LogChunkRecord[];
}

export interface DeliveryRow extends Delivery {
  twinKey: string | undefined;
  body: Uint8Array;
}

export interface HostRow extends Omit<HostRecord, 'reserved' | 'alive' | 'renewalAgeMs'> {
  keyHash: Uint8Array;
  renewals: number;
}

/** A reservation, whether its attempt lives or not. */
export interface WorkerRow extends Pick<WorkerRecord, 'id' | 'hostId' | 'attemptId'> {
  offer: PoolOffer;
  resources: Resources;
  tokenHash: Uint8Array;
  sessionHash: Uint8Array | undefined;
  /** The fence that this worker's attempt has, or had at its end. */
  fence: Fence;
}

export interface CheckRow extends CheckRecord {
  generation: number;
  leasedUntil: Date | undefined;
  /** Another sender's report came in after this lease had begun. */
  overtaken: boolean;
}

export interface ScheduleRow extends Omit<ScheduleRecord, 'lastTick'> {
  lastAt: Date | undefined;
  lastDeliveryId: string | undefined;
}

export interface ScheduleLookRow {
  dueAt: Date | undefined;
  /** In somebody's hands until it is due again. */
  place: number | undefined;
  tries: number;
  problem: string | undefined;
  lookedAt: Date | undefined;
}

/** A concurrency group; goes with its last member. */
export interface GroupRow {
  repositoryId: string;
  /** How many have come so far. */
  entered: number;
  members: Map<string, Omit<GroupMember, 'held' | 'ended'>>;
}

export interface RequestKeyRow {
  fingerprint: string;
  answer: MadeByRequest;
  at: Date;
}

/** All rows. Plain maps; whoever changes them does so without an await in between. */
export class Tables {
  readonly repositories = new Map<string, Repository>();
  readonly deliveries = new Map<string, DeliveryRow>();
  /** `forge\0forgeDeliveryId` to the delivery's id. */
  readonly deliveryKeys = new Map<string, string>();
  readonly runs = new Map<string, RunRow>();
  readonly runIdsByNumber = new Map<number, string>();
  readonly runIdsByPageKey = new Map<string, string>();
  readonly requestKeys = new Map<string, RequestKeyRow>();
  readonly attempts = new Map<string, AttemptRow>();
  /** Queued attempts to their runs; the order of insertion is the order of the queue. */
  readonly queued = new Map<string, string>();
  readonly requests = new Map<string, string>();
  readonly hosts = new Map<string, HostRow>();
  readonly workers = new Map<string, WorkerRow>();
  /** What runs wait for in time, by key. */
  readonly timers = new Map<string, { runId: string; fireAtMs: number }>();
  /** Hosts to the attempt that each is kept free for. What does not count any more may still be there (`keptOf`). */
  readonly kept = new Map<string, { attemptId: string; since: Date }>();
  /** Live attempts to the worker that has them. No entry: no right to write. */
  readonly leases = new Map<string, { workerId: string; fence: Fence }>();
  readonly checks = new Map<string, CheckRow>();
  /** `forge\0repository\0commit\0context` to the check's id. */
  readonly checkKeys = new Map<string, string>();
  /** `repository\0name` to the group. */
  readonly groups = new Map<string, GroupRow>();
  /** Runs to the place of their event in the inbox, where they were in a group. */
  readonly eventOrders = new Map<string, number>();
  readonly schedules = new Map<string, ScheduleRow>();
  /** Repositories to what their schedules were read from last. */
  readonly scheduleSources = new Map<string, NonNullable<ScheduleReading['source']> & { eventOrder: number }>();
  /** By repository; no entry: it was never looked at, and is due. */
  readonly scheduleLooks = new Map<string, ScheduleLookRow>();
  readonly outbox = new Map<string, { message: Message; at: Date; trace?: TraceContext }>();
}

export function keyOf(...parts: readonly string[]): string {
  return parts.join('\0');
}
