import { describe, expect, it } from 'vitest';
import { assertNever, SolsticeError, toError } from './solstice-error.js';

describe('SolsticeError', () => {
  it('takes hint and retryable from its code', () => {
    expect(new SolsticeError('forge-unavailable', 'The forge answered 503.')).toMatchObject({
      name: 'SolsticeError',
      code: 'forge-unavailable',
      hint: 'It is tried again by itself.',
      retryable: true,
    });
  });

  it('lets the place that throws know better', () => {
    const cause = new Error('socket closed');
    const error = new SolsticeError('forge-unavailable', 'gone', { hint: 'Do that.', retryable: false, cause });
    expect(error).toMatchObject({ hint: 'Do that.', retryable: false, cause });
  });

  it('has no cause unless given one', () => {
    expect('cause' in new SolsticeError('usage', 'no')).toBe(false);
  });
});

describe('toError', () => {
  it('keeps errors and wraps the rest', () => {
    const error = new Error('x');
    expect(toError(error)).toBe(error);
    expect(toError('text').message).toBe('text');
    expect(toError(undefined).message).toBe('undefined');
  });
});

describe('assertNever', () => {
  it('throws when it is reached all the same', () => {
    expect(() => assertNever('new' as never)).toThrow('unexpected value: "new"');
  });
});
