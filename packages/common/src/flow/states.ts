/**
 * All states and legal moves of the three machines, as data. The table in the database and the drawing in the
 * docs are made from this file; nothing else lists them.
 */
export const runMoves = {
  blocked: ['queued', 'cancelled', 'superseded'],
  queued: ['running', 'failed', 'cancelled', 'superseded'],
  running: ['succeeded', 'failed', 'cancelled', 'superseded'],
  succeeded: [],
  failed: [],
  cancelled: [],
  superseded: [],
} as const satisfies Record<string, readonly string[]>;

export const nodeMoves = {
  waiting: ['ready', 'skipped', 'cancelled'],
  ready: ['running', 'failed', 'timed_out', 'cancelled'],
  running: ['ready', 'succeeded', 'failed', 'timed_out', 'cancelled'],
  succeeded: [],
  failed: [],
  timed_out: [],
  cancelled: [],
  skipped: [],
} as const satisfies Record<string, readonly string[]>;

export const attemptMoves = {
  queued: ['claimed', 'cancelled', 'timed_out'],
  claimed: ['running', 'cancelled', 'lost', 'refused'],
  running: ['succeeded', 'failed', 'timed_out', 'cancelled', 'lost'],
  succeeded: [],
  failed: [],
  timed_out: [],
  cancelled: [],
  lost: [],
  refused: [],
} as const satisfies Record<string, readonly string[]>;

export type RunState = keyof typeof runMoves;
export type NodeState = keyof typeof nodeMoves;
export type AttemptState = keyof typeof attemptMoves;

export type TerminalAttemptState = 'succeeded' | 'failed' | 'timed_out' | 'cancelled' | 'lost' | 'refused';
export type TerminalRunState = 'succeeded' | 'failed' | 'cancelled' | 'superseded';

export function isTerminal(state: RunState | NodeState | AttemptState): boolean {
  const moves: Record<string, readonly string[]> = { ...runMoves, ...nodeMoves, ...attemptMoves };
  return (moves[state] ?? []).length === 0;
}
