import { expect, test } from 'vitest';
import { formatCursor, parseCursor } from './cursor.js';

const jobs = ['build', 'te/st:1;2', 'lint'];

test('a cursor survives the way to the reader and back, whatever the jobs are called', () => {
  const cursor = new Map([
    ['build', { attempt: 1, seq: 55 }],
    ['te/st:1;2', { attempt: 3, seq: 0 }],
  ]);
  const text = formatCursor(cursor, jobs);
  expect(text).toBe('0/1:55;1/3:0');
  expect(parseCursor(text, jobs)).toEqual(cursor);
  expect(parseCursor(formatCursor(new Map(), jobs), jobs)).toEqual(new Map());
});

test('a record number counts where one attempt is meant', () => {
  expect(parseCursor('12', jobs, { job: 'lint', attempt: 2 })).toEqual(new Map([['lint', { attempt: 2, seq: 12 }]]));
  expect(parseCursor('12', jobs)).toBeUndefined();
});

test.each(['nonsense', '9/1:1', '0/1', '0/1:x', '-1/1:1', '0/1:1;', '0/1:1\n', '1e3', '0/1:9999999999999999'])(
  '%j is no cursor',
  (text) => {
    expect(parseCursor(text, jobs)).toBeUndefined();
  },
);
