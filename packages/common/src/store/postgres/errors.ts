import { DatabaseError } from 'pg';
import { SolsticeError, toError } from '../../errors/index.js';

/** Serialisation failure, deadlock, lock not available: the transaction was rolled back, and may simply be done again. */
const rolledBackStates = ['40001', '40P01', '55P03'];

/** SQLSTATEs of a server that goes away, is not there yet, or takes no more: class 08, and some of class 57 and 53. */
const unavailableStates = ['57P01', '57P02', '57P03', '57P05', '53300'];

const socketErrors = [
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EACCES',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
];

/** May the same transaction be tried at once? Only where the server has said that nothing of it happened. */
export function isRolledBack(error: unknown): boolean {
  return error instanceof DatabaseError && rolledBackStates.includes(error.code ?? '');
}

/** The server was not reached, or the connection broke: what was in hand may have happened or not. */
export function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof DatabaseError) {
    const state = error.code ?? '';
    return state.startsWith('08') || unavailableStates.includes(state);
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  // pg has no code for these; the words are its own.
  return (
    socketErrors.includes(code) ||
    /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end|Query read timeout)/i.test(
      error.message,
    )
  );
}

/** As a SolsticeError where a caller acts on it; anything else comes back as it is. */
export function storeError(error: unknown): Error {
  if (error instanceof SolsticeError) return error;
  if (isConnectionLoss(error) || isRolledBack(error)) {
    const cause = toError(error);
    return new SolsticeError('database-unavailable', `PostgreSQL: ${cause.message}`, { cause });
  }
  return toError(error);
}
