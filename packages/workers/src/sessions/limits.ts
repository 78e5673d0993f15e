/** What the session server allows and keeps to. Tests set shorter clocks. */
export interface SessionLimits {
  /** Records read ahead of what is stored, a session; beyond it nothing is read. */
  readAheadBytes: number;
  /** One call of `record` gets at most so much. */
  batchBytes: number;
  /** Source sent ahead of what the runner has taken in. */
  sourceWindowBytes: number;
  /** One source message. */
  sourceChunkBytes: number;
  /** No message from a runner is longer. */
  messageBytes: number;
  pingMs: number;
  /** A stream that has not said hello by then is ended. */
  helloWithinMs: number;
}

export const defaultLimits: SessionLimits = {
  readAheadBytes: 1024 * 1024,
  batchBytes: 256 * 1024,
  sourceWindowBytes: 1024 * 1024,
  sourceChunkBytes: 128 * 1024,
  messageBytes: 1024 * 1024,
  pingMs: 10_000,
  helloWithinMs: 10_000,
};
