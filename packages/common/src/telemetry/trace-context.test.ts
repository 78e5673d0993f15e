import { describe, expect, it } from 'vitest';
import { collectorAddress } from './collector-address.js';
import { formatTraceparent, parseTraceparent } from './trace-context.js';

const good = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

describe('a traceparent', () => {
  it('is read and written', () => {
    const parsed = parseTraceparent(good);
    expect(parsed).toEqual({ traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', flags: 1 });
    expect(parsed && formatTraceparent(parsed)).toBe(good);
  });

  it.each([
    '',
    'nonsense',
    good.replace('00-4', '01-4'),
    good.replace('4bf92f3577b34da6a3ce929d0e0e4736', '0'.repeat(32)),
    good.replace('00f067aa0ba902b7', '0'.repeat(16)),
    good.toUpperCase(),
    `${good}-more`,
    ` ${good}`,
  ])('is not %j', (text) => {
    expect(parseTraceparent(text)).toBeUndefined();
  });
});

describe('the address of a collector', () => {
  it.each([
    ['http://127.0.0.1:4318', 'http://127.0.0.1:4318/v1/traces'],
    ['https://collector.example/otlp/', 'https://collector.example/otlp/v1/traces'],
    ['https://collector.example/v1/traces', 'https://collector.example/v1/traces'],
  ])('%s becomes %s', (given, url) => {
    expect(collectorAddress(given)).toEqual({ url, headers: {} });
  });

  it('has no password in it: that goes into a header', () => {
    const address = collectorAddress('https://mara:p%40ss@collector.example');
    expect(address.url).toBe('https://collector.example/v1/traces');
    expect(address.headers.authorization).toBe(`Basic ${Buffer.from('mara:p@ss').toString('base64')}`);
  });
});
