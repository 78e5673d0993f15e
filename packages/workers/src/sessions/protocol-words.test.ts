import type { AttemptResult } from '@solstice/common/flow';
import {
  FAIL_REASON_BYTES,
  LogStream,
  type Outcome,
  Cause as ProtocolCause,
  type Record as ProtocolRecord,
  Result,
} from '@solstice/common/rpc';
import { describe, expect, it } from 'vitest';
import { ProtocolViolation, toRecord, toResult } from './protocol-words.js';

const outcome: Outcome = {
  result: Result.RESULT_FAILED,
  cause: ProtocolCause.CAUSE_EXIT,
  exitCode: 3,
  signal: '',
  step: 1,
  limitMs: 0n,
  detail: '',
  service: '',
};
const names = ['build', 'test'];

describe('an outcome in our words', () => {
  it.each<[string, Partial<Outcome>, AttemptResult]>([
    ['an exit code', {}, { state: 'failed', cause: { kind: 'exit', step: 1, stepName: 'test', exitCode: 3 } }],
    [
      'a signal',
      { cause: ProtocolCause.CAUSE_SIGNAL, signal: 'SIGKILL' },
      { state: 'failed', cause: { kind: 'signal', step: 1, stepName: 'test', signal: 'SIGKILL' } },
    ],
    [
      'the job’s clock',
      { result: Result.RESULT_TIMED_OUT, cause: ProtocolCause.CAUSE_JOB_TIMEOUT, limitMs: 60_000n },
      { state: 'timed_out', cause: { kind: 'clock', clock: 'job', limitMs: 60_000, step: 1, stepName: 'test' } },
    ],
    [
      'the step’s clock',
      { result: Result.RESULT_TIMED_OUT, cause: ProtocolCause.CAUSE_STEP_TIMEOUT, limitMs: 5n, step: 0 },
      { state: 'timed_out', cause: { kind: 'clock', clock: 'step', limitMs: 5, step: 0, stepName: 'build' } },
    ],
    [
      'a cancel',
      { result: Result.RESULT_CANCELLED, cause: ProtocolCause.CAUSE_CANCELLED, detail: 'newer push' },
      { state: 'cancelled', cause: { kind: 'cancelled', by: 'unknown', reason: 'newer push' } },
    ],
    [
      'the checkout',
      { cause: ProtocolCause.CAUSE_SOURCE, detail: 'no such commit' },
      { state: 'failed', cause: { kind: 'source', detail: 'no such commit' } },
    ],
    [
      'a step that cannot start',
      { cause: ProtocolCause.CAUSE_CANNOT_START, detail: 'no shell' },
      { state: 'failed', cause: { kind: 'cannot-start', step: 1, stepName: 'test', detail: 'no shell' } },
    ],
    [
      'the job’s silence',
      { result: Result.RESULT_TIMED_OUT, cause: ProtocolCause.CAUSE_JOB_SILENCE, limitMs: 5n },
      { state: 'timed_out', cause: { kind: 'clock', clock: 'silence', limitMs: 5, step: 1, stepName: 'test' } },
    ],
    [
      'the step’s silence',
      { result: Result.RESULT_TIMED_OUT, cause: ProtocolCause.CAUSE_STEP_SILENCE, limitMs: 5n },
      { state: 'timed_out', cause: { kind: 'clock', clock: 'step-silence', limitMs: 5, step: 1, stepName: 'test' } },
    ],
    [
      'the deadline',
      { result: Result.RESULT_TIMED_OUT, cause: ProtocolCause.CAUSE_DEADLINE, limitMs: 5n },
      { state: 'timed_out', cause: { kind: 'clock', clock: 'deadline', limitMs: 5, step: 1, stepName: 'test' } },
    ],
    [
      'the step’s deadline',
      { result: Result.RESULT_TIMED_OUT, cause: ProtocolCause.CAUSE_STEP_DEADLINE, limitMs: 5n },
      { state: 'timed_out', cause: { kind: 'clock', clock: 'step-deadline', limitMs: 5, step: 1, stepName: 'test' } },
    ],
    [
      'a condition that cannot be judged',
      { cause: ProtocolCause.CAUSE_EXPRESSION, detail: 'size(x) / 0 == 1: division by zero' },
      { state: 'failed', cause: { kind: 'expression', detail: 'step “test”: size(x) / 0 == 1: division by zero' } },
    ],
    [
      'a service',
      { cause: ProtocolCause.CAUSE_SERVICE, service: 'db', detail: 'ended with exit code 1' },
      { state: 'failed', cause: { kind: 'service', name: 'db', detail: 'ended with exit code 1' } },
    ],
    [
      'what a step says itself',
      { cause: ProtocolCause.CAUSE_USER, detail: 'no disk left' },
      { state: 'failed', cause: { kind: 'user', reason: 'no disk left' } },
    ],
    [
      'an output that is not there',
      { cause: ProtocolCause.CAUSE_OUTPUT, detail: 'output version: version.txt is not there' },
      { state: 'failed', cause: { kind: 'output', detail: 'output version: version.txt is not there' } },
    ],
    ['success', { result: Result.RESULT_SUCCEEDED, cause: ProtocolCause.CAUSE_UNSPECIFIED }, { state: 'succeeded' }],
  ])('tells %s', (_, changes, expected) => {
    expect(toResult({ ...outcome, ...changes }, names)).toEqual(expected);
  });

  it.each([
    ProtocolCause.CAUSE_USER,
    ProtocolCause.CAUSE_SERVICE,
    ProtocolCause.CAUSE_EXPRESSION,
    ProtocolCause.CAUSE_OUTPUT,
    ProtocolCause.CAUSE_CANCELLED,
    ProtocolCause.CAUSE_SOURCE,
    ProtocolCause.CAUSE_CANNOT_START,
  ])('is taken with words that cannot be kept, because the runner would only say them again: cause %i', (cause) => {
    const words = `a\0b${'€'.repeat(5_000)}`;
    const kept = JSON.stringify(toResult({ ...outcome, cause, detail: words, service: words }, names));
    expect(kept).toContain('a b€');
    expect(kept).not.toContain('\\u0000');
    expect(Buffer.byteLength(kept)).toBeLessThan(2 * FAIL_REASON_BYTES + 200);
  });

  it('is refused when a newer runner has a result that we do not know', () => {
    expect(() => toResult({ ...outcome, result: 9 as Result }, names)).toThrow(ProtocolViolation);
    expect(() => toResult({ ...outcome, cause: 99 as ProtocolCause }, names)).toThrow(ProtocolViolation);
  });
});

describe('a record in our words', () => {
  const record = (body: ProtocolRecord['body']): ProtocolRecord => ({ seq: 7n, atMs: 1_000n, body });
  const head = { seq: 7, at: new Date(1_000) };

  it('keeps number, time and bytes', () => {
    const data = Buffer.from([0, 255]);
    const log = record({ $case: 'log', value: { step: 1, stream: LogStream.LOG_STREAM_STDERR, data } });
    expect(toRecord(log, names)).toEqual({ ...head, kind: 'log', step: 1, stream: 'stderr', data });
  });

  it('tells how a step ended', () => {
    const finished = record({ $case: 'stepFinished', value: { step: 1, outcome, durationMs: 5n } });
    expect(toRecord(finished, names)).toEqual({
      ...head,
      kind: 'step-finished',
      step: 1,
      exitCode: 3,
      result: { state: 'failed', cause: { kind: 'exit', step: 1, stepName: 'test', exitCode: 3 } },
    });
  });

  it('tells that a step was skipped', () => {
    expect(toRecord(record({ $case: 'stepSkipped', value: { step: 1 } }), names)).toEqual({
      ...head,
      kind: 'step-skipped',
      step: 1,
    });
    expect(() => toRecord(record({ $case: 'stepSkipped', value: { step: 2 } }), names)).toThrow(ProtocolViolation);
  });

  it('tells outputs, and that a failure is for good', () => {
    const end = (outputs: Record<string, string>, final: boolean) =>
      toRecord(record({ $case: 'jobFinished', value: { outcome, outputs, final } }), names);
    expect(end({ version: '1.2' }, true)).toMatchObject({ result: { outputs: { version: '1.2' }, final: true } });
    const { result } = end({}, false) as { result: AttemptResult };
    expect(Object.keys(result)).toEqual(['state', 'cause']);
  });

  it('counts, and says nothing, when only a newer runner knows its kind', () => {
    expect(toRecord(record(undefined), names)).toEqual({
      ...head,
      kind: 'log',
      step: 0,
      stream: 'system',
      data: new Uint8Array(),
    });
  });

  it('may be the runner’s own in a job that has no steps', () => {
    const data = Buffer.from('x');
    const log = record({ $case: 'log', value: { step: 0, stream: LogStream.LOG_STREAM_SYSTEM, data } });
    expect(toRecord(log, [])).toMatchObject({ step: 0 });
  });

  it.each<[string, ProtocolRecord]>([
    ['a step that the job has not', record({ $case: 'stepStarted', value: { step: 2 } })],
    ['no outcome', record({ $case: 'jobFinished', value: { outcome: undefined, outputs: {}, final: false } })],
    ['an output of no name', record({ $case: 'jobFinished', value: { outcome, outputs: { '': 'x' }, final: false } })],
    [
      'too large an output',
      record({ $case: 'jobFinished', value: { outcome, outputs: { a: 'x'.repeat(2 ** 17) }, final: false } }),
    ],
    ['an unknown stream', record({ $case: 'log', value: { step: 0, stream: 0, data: Buffer.alloc(0) } })],
    ['an impossible time', { ...record({ $case: 'stepStarted', value: { step: 0 } }), atMs: 2n ** 62n }],
  ])('is refused with %s', (_, bad) => {
    expect(() => toRecord(bad, names)).toThrow(ProtocolViolation);
  });
});
