import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { unlessAborted } from './unless-aborted.js';

test('gives what is waited for, and leaves nothing on the signal', async () => {
  const { signal } = new AbortController();
  expect(await unlessAborted(signal, Promise.resolve('answer'))).toBe('answer');
  await expect(unlessAborted(signal, Promise.reject(new Error('no answer')))).rejects.toThrow('no answer');
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('gives up as soon as it is aborted, and lets what comes later go', async () => {
  const stopping = new AbortController();
  let fail: (error: Error) => void = () => undefined;
  const waited = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  const outcome = unlessAborted(stopping.signal, waited);
  stopping.abort();
  await expect(outcome).rejects.toMatchObject({ name: 'AbortError' });
  expect(getEventListeners(stopping.signal, 'abort')).toEqual([]);
  // Would end the process if nobody had listened.
  fail(new Error('too late'));
});

test('gives up at once when it was aborted before, whatever there is, and lets that go too', async () => {
  const signal = AbortSignal.abort();
  await expect(unlessAborted(signal, Promise.resolve('answer'))).rejects.toMatchObject({ name: 'AbortError' });
  await expect(unlessAborted(signal, Promise.reject(new Error('too late')))).rejects.toMatchObject({
    name: 'AbortError',
  });
});
