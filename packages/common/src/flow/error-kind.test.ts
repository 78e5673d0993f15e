import { describe, expect, it } from 'vitest';
import { type Cause, causeSchema } from './cause.js';
import { errorKindOf, errorKinds } from './error-kind.js';

const clock = (name: Extract<Cause, { kind: 'clock' }>['clock']): Cause => ({ kind: 'clock', clock: name, limitMs: 1 });

describe('errorKindOf', () => {
  it.each<[Cause, string]>([
    [{ kind: 'lost', detail: 'gone' }, 'unreachable'],
    [{ kind: 'refused', detail: 'no answer', problem: 'unreachable' }, 'unreachable'],
    [{ kind: 'refused', detail: 'no such image', problem: 'no-image' }, 'no-image'],
    [{ kind: 'refused', detail: 'the disk is full', problem: 'no-capacity' }, 'no-capacity'],
    [clock('queue'), 'no-capacity'],
    [{ kind: 'refused', detail: 'nobody knows' }, 'refused'],
    [clock('job'), 'timeout'],
    [clock('step'), 'timeout'],
    [clock('deadline'), 'timeout'],
    [clock('step-deadline'), 'timeout'],
    [clock('workflow'), 'timeout'],
    [clock('branch'), 'timeout'],
    [clock('gate'), 'timeout'],
    [clock('silence'), 'silence'],
    [clock('step-silence'), 'silence'],
    [{ kind: 'exit', step: 0, stepName: 'Test', exitCode: 3 }, 'exit'],
    [{ kind: 'rejected', by: 'ada' }, 'rejected'],
    [{ kind: 'cancelled', by: 'ada' }, 'cancelled'],
  ])('%j', (cause, kind) => {
    expect(causeSchema.parse(cause)).toEqual(cause);
    expect(errorKindOf(cause)).toBe(kind);
    expect(errorKinds).toContain(kind);
  });
});
