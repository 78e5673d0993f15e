import type { FlowEvent, FlowTimer } from '../../flow/index.js';

/** Something whose time has come. */
export interface DueTimer {
  key: string;
  runId: string;
  fireAt: Date;
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
