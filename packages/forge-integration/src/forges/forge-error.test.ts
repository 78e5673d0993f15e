import { expect, test } from 'vitest';
import { forgeErrorOfFailure, forgeErrorOfResponse } from './forge-error.js';

const now = new Date('2026-03-01T12:00:00Z');
const answer = (status: number, headers: Record<string, string> = {}, message = 'no') =>
  forgeErrorOfResponse({ what: 'reading', status, header: (name) => headers[name], message, now });

test.each([500, 502, 503, 504, 429, 408])('HTTP %i may be better later', (status) => {
  expect(answer(status)).toMatchObject({ problem: 'unavailable', retryable: true, code: 'forge-unavailable' });
});

test.each([400, 401, 403, 404, 422, 301])('HTTP %i needs a person', (status) => {
  expect(answer(status)).toMatchObject({ problem: 'refused', retryable: false, code: 'forge-refused' });
});

test('a 403 that is a rate limit is no refusal, and says when', () => {
  expect(answer(403, { 'retry-after': '30' })).toMatchObject({ problem: 'unavailable', retryAfterMs: 30_000 });
  const reset = String(now.getTime() / 1000 + 90);
  expect(answer(403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset })).toMatchObject({
    problem: 'unavailable',
    retryAfterMs: 90_000,
  });
  expect(answer(403, { 'x-ratelimit-remaining': '12', 'x-ratelimit-reset': reset }).problem).toBe('refused');
  expect(answer(403, {}, 'You have exceeded a secondary rate limit').problem).toBe('unavailable');
  expect(answer(429, { 'retry-after': 'Sun, 01 Mar 2026 12:00:10 GMT' }).retryAfterMs).toBe(10_000);
  expect(answer(429, { 'retry-after': 'soon' }).retryAfterMs).toBeUndefined();
});

test('no answer is told by its cause', () => {
  const refused = new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED 127.0.0.1:1') });
  expect(forgeErrorOfFailure('reading', refused)).toMatchObject({
    problem: 'unavailable',
    message: 'reading: connect ECONNREFUSED 127.0.0.1:1',
  });
  const late = new DOMException('The operation was aborted due to timeout', 'TimeoutError');
  expect(forgeErrorOfFailure('reading', late).message).toBe('reading: no answer in time');
});
