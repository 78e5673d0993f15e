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
export type TerminalNodeState = 'succeeded' | 'failed' | 'timed_out' | 'cancelled' | 'skipped';
export type TerminalRunState = 'succeeded' | 'failed' | 'cancelled' | 'superseded';

/** The three machines by name. */
export const machines = { run: runMoves, node: nodeMoves, attempt: attemptMoves } as const;
export type Machine = keyof typeof machines;

const everyMove: Record<string, readonly string[]> = { ...runMoves, ...nodeMoves, ...attemptMoves };

export function isTerminal(state: RunState | NodeState | AttemptState): boolean {
  return (everyMove[state] ?? []).length === 0;
}

export function canMove(machine: 'run', from: RunState, to: RunState): boolean;
export function canMove(machine: 'node', from: NodeState, to: NodeState): boolean;
export function canMove(machine: 'attempt', from: AttemptState, to: AttemptState): boolean;
export function canMove(machine: Machine, from: string, to: string): boolean {
  const moves: Record<string, readonly string[]> = machines[machine];
  return (moves[from] ?? []).includes(to);
}

/** Every legal move, in the order of this file. */
export function legalMoves(): { machine: Machine; from: string; to: string }[] {
  return (Object.keys(machines) as Machine[]).flatMap((machine) =>
    Object.entries(machines[machine]).flatMap(([from, targets]) =>
      targets.map((to: string) => ({ machine, from, to })),
    ),
  );
}

/** The legal moves as rows of a SQL `values` list, `('run', 'queued', 'running')`, one a line. */
export function movesSql(): string {
  return legalMoves()
    .map(({ machine, from, to }) => `  ('${machine}', '${from}', '${to}')`)
    .join(',\n');
}
