import { assertNever } from '../errors/index.js';
import type { Cause } from './cause.js';

/** What went wrong, in one word of a closed list: `error.kind` in conditions and CI_ERROR_KIND in steps. */
export const errorKinds = [
  'exit',
  'signal',
  'timeout',
  'silence',
  'cannot-start',
  'user',
  'output',
  'out-of-memory',
  'source',
  'service',
  'expression',
  'unreachable',
  'no-image',
  'no-capacity',
  'refused',
  'rejected',
  'cancelled',
  'superseded',
  'exported',
  'nodes',
  'condition',
] as const;
export type ErrorKind = (typeof errorKinds)[number];

/**
 * A fault of the infrastructure is one of three, or `refused` where nobody knows: what makes workers does not answer or
 * was lost (`unreachable`), the image cannot be had (`no-image`), there is no room or no host (`no-capacity`).
 */
export function errorKindOf(cause: Cause): ErrorKind {
  switch (cause.kind) {
    case 'clock':
      return clockKind(cause.clock);
    case 'lost':
      return 'unreachable';
    case 'refused':
      return cause.problem ?? 'refused';
    case 'exit':
    case 'signal':
    case 'user':
    case 'output':
    case 'out-of-memory':
    case 'source':
    case 'cannot-start':
    case 'cancelled':
    case 'service':
    case 'rejected':
    case 'expression':
    case 'superseded':
    case 'exported':
    case 'nodes':
    case 'condition':
      return cause.kind;
    // What was wrong is what an expression gave.
    case 'text':
      return 'expression';
    default:
      return assertNever(cause);
  }
}

function clockKind(clock: Extract<Cause, { kind: 'clock' }>['clock']): ErrorKind {
  switch (clock) {
    case 'queue':
      return 'no-capacity';
    case 'silence':
    case 'step-silence':
      return 'silence';
    case 'job':
    case 'step':
    case 'deadline':
    case 'step-deadline':
    case 'workflow':
    case 'branch':
    case 'gate':
      return 'timeout';
    default:
      return assertNever(clock);
  }
}
