import { createColors } from 'picocolors';
import { expect, test } from 'vitest';
import { renderTable } from './table.js';
import { relativeTime, took } from './time.js';

const colours = createColors(false);
const columns = [
  { title: 'RUN', value: (row: { n: number; title: string }) => String(row.n), align: 'right' as const },
  { title: 'TITLE', value: (row: { n: number; title: string }) => row.title, shrinkTo: 6 },
];

test('a table fits the terminal, and only what may be cut is', () => {
  const rows = [{ n: 1234567, title: 'a long title of a commit' }];
  expect(renderTable(columns, rows, { width: 20, colours })).toEqual(['    RUN  TITLE', '1234567  a long tit…']);
  expect(renderTable(columns, rows, { width: undefined, colours })[1]).toBe('1234567  a long title of a commit');
});

test('what somebody called a branch cannot steer the terminal', () => {
  const rows = [{ n: 1, title: '\u001b]0;owned\u0007\u001b[2Jrm\r\n\u0008x\u202e' }];
  const [, line = ''] = renderTable(columns, rows, { width: undefined, colours });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
  expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
  expect(line).toContain('rm');
});

test('times are told from now', () => {
  const now = new Date('2026-01-02T12:00:00Z');
  expect(relativeTime('2026-01-02T11:59:59Z', now)).toBe('just now');
  expect(relativeTime('2026-01-02T11:57:00Z', now)).toBe('3 min ago');
  expect(relativeTime('2026-01-02T09:00:00Z', now)).toBe('3 h ago');
  expect(relativeTime('2026-01-02T12:00:30Z', now)).toBe('in 30 s');
  expect(relativeTime('2025-01-02T12:00:00Z', now)).toBe('2025-01-02');
  expect(took('2026-01-02T11:59:00Z', undefined, now)).toBe('1 min');
  expect(took(undefined, undefined, now)).toBe('');
});
