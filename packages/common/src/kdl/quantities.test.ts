import { describe, expect, it } from 'vitest';
import { meantSize, parseDuration, parseSize, sizeText } from './quantities.js';

const GiB = 1024 ** 3;

describe('parseSize', () => {
  it.each([
    ['1B', 1],
    ['4KiB', 4096],
    ['1.5GiB', 1.5 * GiB],
    ['2TiB', 2048 * GiB],
    ['0GiB', undefined],
    ['4', undefined],
    ['4GB', undefined],
    ['4 GiB', undefined],
    ['-4GiB', undefined],
    ['1e3GiB', undefined],
    ['', undefined],
  ])('of %j is %j', (text, bytes) => expect(parseSize(text)).toBe(bytes));
});

it.each([
  ['4GB', '4GiB'],
  ['4 gb', '4GiB'],
  ['512m', '512MiB'],
  ['1.5Ti', '1.5TiB'],
  ['8kib', '8KiB'],
  ['4', undefined],
  ['four', undefined],
])('meantSize of %j is %j', (text, meant) => expect(meantSize(text)).toBe(meant));

it.each([
  [512, '512 B'],
  [1.5 * GiB, '1.5 GiB'],
  [Math.floor(GiB / 3), '341.33 MiB'],
  [0, '0 B'],
])('sizeText of %j is %j', (bytes, text) => expect(sizeText(bytes)).toBe(text));

it.each([
  ['1h30m', 5_400_000],
  ['500ms', 500],
  ['0s', 0],
  ['1.5h', undefined],
  ['90', undefined],
])('parseDuration of %j is %j', (text, ms) => expect(parseDuration(text)).toBe(ms));
