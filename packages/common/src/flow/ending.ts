import { assertNever } from '../errors/index.js';
import type { Cause } from './cause.js';
import type { CancelIntent } from './messages.js';
import type { TerminalNodeState, TerminalRunState } from './states.js';

export type Intent = Omit<CancelIntent, 'at'>;

/** What is said of everything that ends because of this wish. */
export function causeOfIntent({ by, reason, because }: Intent): Cause {
  switch (because?.kind) {
    case undefined:
      return { kind: 'cancelled', by, ...(reason !== undefined && { reason }) };
    case 'superseded':
      return { kind: 'superseded', runId: because.runId };
    case 'deadline':
      return { kind: 'clock', clock: 'workflow', limitMs: because.limitMs };
    case 'branch':
      return { kind: 'clock', clock: 'branch', limitMs: because.limitMs };
    case 'exported':
      return { kind: 'exported', by };
    default:
      return assertNever(because);
  }
}

/** How a run ends that was ended by this wish. */
export function stateOfIntent({ because }: Intent): TerminalRunState {
  switch (because?.kind) {
    case undefined:
    case 'exported':
    case 'branch': // Which is no wish of a run.
      return 'cancelled';
    case 'superseded':
      return 'superseded';
    case 'deadline':
      return 'failed';
    default:
      return assertNever(because);
  }
}

/** How a node ends by it. A branch's deadline is a failure of what stands in it; all else takes nodes with their run. */
export function nodeStateOfIntent({ because }: Intent): Extract<TerminalNodeState, 'cancelled' | 'timed_out'> {
  return because?.kind === 'branch' ? 'timed_out' : 'cancelled';
}

/**
 * What is said of an attempt that ended after this wish. A cause of its own is kept; that it was cancelled is no news, where
 * the wish says more.
 */
export function causeAfter(intent: Intent, own: Cause | undefined): Cause {
  return own === undefined || (own.kind === 'cancelled' && intent.because !== undefined) ? causeOfIntent(intent) : own;
}

/** As it is written into events: nothing that is not there. */
export function intentOf({ by, reason, because }: Intent): Intent {
  return { by, ...(reason !== undefined && { reason }), ...(because !== undefined && { because }) };
}
