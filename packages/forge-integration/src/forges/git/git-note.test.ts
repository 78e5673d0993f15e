import { expect, test } from 'vitest';
import { mergeNote, noteLine } from './git-note.js';

const state = (title: string) => ({ state: 'failed' as const, title, text: 'more', pageKey: undefined });

test('a line is one line, whatever the names are', () => {
  expect(noteLine('solstice/A\tB\nC', state('x\ny'), 'http://ci/runs/k')).toBe(
    'solstice/A B C\tfailed\tx y\thttp://ci/runs/k',
  );
  expect(noteLine('solstice/A', state('x'), undefined)).toBe('solstice/A\tfailed\tx');
});

test('a context replaces its own line only', () => {
  const first = mergeNote('', 'solstice/A\tpending\tx');
  const second = mergeNote(first, 'solstice/AB\tpending\tx');
  expect(mergeNote(second, 'solstice/A\tsucceeded\ty')).toBe('solstice/A\tsucceeded\ty\nsolstice/AB\tpending\tx\n');
  expect(mergeNote('Reviewed-by: Ada\n', 'solstice/A\tpending\tx')).toBe('Reviewed-by: Ada\nsolstice/A\tpending\tx\n');
});
