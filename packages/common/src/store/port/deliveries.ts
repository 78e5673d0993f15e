import type { ForgeEvent } from '../../forge/index.js';
import type { TraceContext } from '../../telemetry/index.js';

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
