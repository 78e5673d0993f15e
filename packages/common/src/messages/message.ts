/**
 * Wake-ups between processes. A message carries ids, never the truth: it may be lost, doubled, late or out of
 * order, and everybody who listens also sweeps the store. So nothing is correct because of a message; things
 * are only quick because of it.
 */
export type Message =
  /** A delivery waits in the inbox. */
  | { kind: 'delivery'; version: 1; deliveryId: string; forge: string; event: string }
  /** A pool has work. */
  | { kind: 'job'; version: 1; pool: string; attemptId: string }
  /** A host has something to read in its rows (a cancel, a drain). */
  | { kind: 'host'; version: 1; hostId: string }
  /** A check changed. */
  | { kind: 'report'; version: 1; forge: string; checkId: string };
