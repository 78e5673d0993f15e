import { assertNever } from '../errors/index.js';
import type { Cause } from './cause.js';
import type { CancelIntent } from './messages.js';
import type { TerminalRunState } from './states.js';

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
      return 'cancelled';
    case 'superseded':
      return 'superseded';
    case 'deadline':
      return 'failed';
    default:
      return assertNever(because);
  }
}

/** As it is written into events: nothing that is not there. */
export function intentOf({ by, reason, because }: Intent): Intent {
  return { by, ...(reason !== undefined && { reason }), ...(because !== undefined && { because }) };
}
