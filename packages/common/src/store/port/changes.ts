/**
 * `outbox`: something is to be sent. `timers`: there are other timers, perhaps an earlier one than before. `schedules`: the
 * same of schedules. `schedule-looks`: a default branch is to be looked at. `concurrency`: a run has come to its group, or has ended.
 */
export type ChangeTopic =
  | 'outbox'
  | 'timers'
  | 'concurrency'
  | 'schedules'
  | 'schedule-looks'
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
