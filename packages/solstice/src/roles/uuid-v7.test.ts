import { expect, test } from 'vitest';
import { uuidv7 } from './uuid-v7.js';

test('has the time in front, version 7 and the RFC variant', () => {
  const all = new Uint8Array(10).fill(0xff);
  expect(uuidv7(0x0123456789ab, all)).toBe('01234567-89ab-7fff-bfff-ffffffffffff');
  expect(uuidv7(0x0123456789ab, new Uint8Array(10))).toBe('01234567-89ab-7000-8000-000000000000');
});

test('later ids sort later, and no two are alike', () => {
  expect(uuidv7(1_000) < uuidv7(1_001)).toBe(true);
  expect(new Set(Array.from({ length: 1000 }, () => uuidv7(5))).size).toBe(1000);
});
