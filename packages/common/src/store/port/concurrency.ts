import type { FlowEvent } from '../../flow/index.js';

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

/**
 * Runs whose workflows say that not all of them may go on at once. A group is (repository, name); its order is that of the
 * events in the inbox, whichever is planned first. `runs.plan` decides under the group's lock whether a new run begins;
 * what others have to hear of it is told here, each command in a transaction of its own. Whoever can reach the store
 * may do so; any number at once.
 */
export interface ConcurrencyStore {
  /**
   * Goes through up to `limit` groups where something has changed: admits whoever's turn has come, and tells those whose
   * place was taken. What somebody else has just now is passed over (`skipped`). `events`: what it came to. `left`: rows
   * that nobody has to know of any more, taken away. While something was settled or left there may be more.
   */
  settle(limit: number): Promise<{ settled: number; left: number; skipped: number; events: FlowEvent[] }>;
  /** In order; also those that have ended, while that still matters. */
  members(repositoryId: string, group: string): Promise<GroupMember[]>;
}
