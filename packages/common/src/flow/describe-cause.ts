import { assertNever } from '../errors/index.js';
import type { Cause } from './cause.js';

/** A cause as the second half of a sentence: `step “Test” exited with 3`. */
export function describeCause(cause: Cause): string {
  const ending = describeEnding(cause);
  return 'notAgain' in cause && cause.notAgain !== undefined ? `${ending}; ${cause.notAgain}` : ending;
}

function describeEnding(cause: Cause): string {
  switch (cause.kind) {
    case 'exit':
      return `step “${cause.stepName}” exited with ${cause.exitCode}`;
    case 'signal':
      return `step “${cause.stepName}” was ended by ${cause.signal}`;
    case 'clock':
      return describeClock(cause);
    case 'user':
      return cause.reason;
    case 'out-of-memory':
      return 'the worker ran out of memory';
    case 'source':
      return `the source could not be checked out: ${cause.detail}`;
    case 'cannot-start':
      return `step “${cause.stepName}” could not be started: ${cause.detail}`;
    case 'cancelled':
      return `cancelled by ${cause.by}${cause.reason === undefined ? '' : `: ${cause.reason}`}`;
    case 'lost':
      return `the worker${onHost(cause.hostId)} was lost: ${cause.detail}`;
    case 'refused':
      return `no worker could be made${onHost(cause.hostId)}: ${cause.detail}`;
    case 'service':
      return `service ${cause.name}: ${cause.detail}`;
    case 'rejected':
      return `rejected by ${cause.by}${cause.reason === undefined ? '' : `: ${cause.reason}`}`;
    case 'expression':
      return `an expression could not be judged: ${cause.detail}`;
    case 'superseded':
      return 'a newer run took its place';
    case 'exported':
      return `exported by ${cause.by}, to go on elsewhere`;
    case 'nodes':
      return `because of ${cause.nodes.join(', ')}`;
    case 'condition':
    case 'output':
    case 'text':
      return cause.detail;
    default:
      return assertNever(cause);
  }
}

function describeClock(cause: Extract<Cause, { kind: 'clock' }>): string {
  const limit = describeDuration(cause.limitMs);
  const step = `step “${cause.stepName ?? cause.step ?? '?'}”`;
  switch (cause.clock) {
    case 'job':
      return `the job took longer than ${limit}`;
    case 'step':
      return `${step} took longer than ${limit}`;
    case 'deadline':
      return `it did not end within its deadline of ${limit}`;
    case 'queue':
      return `no host took it within ${limit}`;
    case 'silence':
      return `the job said nothing for ${limit}`;
    case 'step-silence':
      return `${step} said nothing for ${limit}`;
    case 'step-deadline':
      return `${step} took longer than ${limit} in all attempts together`;
    case 'workflow':
      return `the workflow did not end within its deadline of ${limit}`;
    case 'branch':
      return `its branch did not end within its deadline of ${limit}`;
    case 'gate':
      return `it was not decided within ${limit}`;
    default:
      return assertNever(cause.clock);
  }
}

function onHost(hostId: string | undefined): string {
  return hostId === undefined ? '' : ` on host ${hostId}`;
}

/** `250 ms`, `1.5 s`, `42 s`, `3 min 5 s`, `2 h 10 min`. */
export function describeDuration(ms: number): string {
  if (ms < 1_000) {
    return `${Math.round(ms)} ms`;
  }
  if (ms < 10_000) {
    return `${Math.round(ms / 100) / 10} s`;
  }
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) {
    return `${seconds} s`;
  }
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) {
    return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  }
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
