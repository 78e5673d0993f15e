import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { LastOfFrames, lastOfStream } from './exec-output.js';

const KEPT_BYTES = 16 * 1024;

function frame(text: string): Buffer {
  const head = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([head, Buffer.from(text)]);
}

describe('the end of what a program printed', () => {
  it.each([1, 3, 8, 11, 1_000])('is read from pieces of %i bytes, wherever they are cut', (size) => {
    const log = Buffer.concat([frame('one\n'), frame(''), frame('zwei ü\n'), frame('drei €')]);
    const last = new LastOfFrames();
    for (let at = 0; at < log.length; at += size) last.add(log.subarray(at, at + size));
    expect(last.text()).toBe('one\nzwei ü\ndrei €');
  });

  it.each([
    ['one large frame', [`${'€'.repeat(100_000)}end`]],
    ['many small ones', [...Array.from({ length: 10_000 }, () => '€€€'), 'end']],
    ['frames a bit smaller than what is kept', [...Array.from({ length: 5 }, () => '€'.repeat(5_000)), 'end']],
  ])('is not more than so much of %s, and begins with a character', (_, texts) => {
    const last = new LastOfFrames();
    for (const text of texts) last.add(frame(text));
    const text = last.text();
    expect(text).toMatch(/^€+end$/);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(KEPT_BYTES);
    expect(Buffer.byteLength(text)).toBeGreaterThan(KEPT_BYTES - 4);
  });

  it('is what came before the stream ended', async () => {
    const stream = new PassThrough();
    const said = lastOfStream(stream, new AbortController().signal);
    stream.write(frame('no sock'));
    stream.end(frame('et'));
    expect(await said).toBe('no socket');
  });

  it('is not waited for any more when it is aborted: nothing more is read', async () => {
    const enough = new AbortController();
    const stream = new PassThrough();
    const said = lastOfStream(stream, enough.signal);
    stream.write(frame('on and on'));
    enough.abort();
    await expect(said).rejects.toThrow('abort');
    expect(stream.destroyed).toBe(true);
    const late = new PassThrough();
    await expect(lastOfStream(late, enough.signal)).rejects.toThrow('abort');
    expect(late.destroyed).toBe(true);
  });
});
