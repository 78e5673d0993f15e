import { describe, expect, it } from 'vitest';
import type { Diagnostic } from './diagnostic.js';
import { formatDiagnostics } from './format-diagnostics.js';

function diagnostic(more: Partial<Diagnostic>): Diagnostic {
  return {
    file: 'a.kdl',
    line: 1,
    column: 1,
    endLine: 1,
    endColumn: 2,
    severity: 'error',
    code: 'syntax',
    message: 'wrong',
    hint: 'right',
    ...more,
  };
}

function told(source: string, more: Partial<Diagnostic>, color = false): string {
  return formatDiagnostics([diagnostic(more)], { 'a.kdl': source }, { color });
}

describe('formatDiagnostics', () => {
  it('shows place, line, caret and hint', () => {
    expect(told('one\ntwo three', { line: 2, column: 5, endLine: 2, endColumn: 10 })).toBe(
      'a.kdl:2:5: error: wrong [syntax]\n  2 | two three\n    |     ^^^^^\n  hint: right\n',
    );
  });

  it('says nothing of nothing', () => expect(formatDiagnostics([], {}, { color: true })).toBe(''));

  it('does without the source, and without a hint', () => {
    const { hint: _, ...bare } = diagnostic({});
    expect(formatDiagnostics([bare], new Map(), { color: false })).toBe('a.kdl:1:1: error: wrong [syntax]\n');
  });

  it('colours only when told to', () => {
    expect(told('x', {})).not.toContain('\u001b');
    expect(told('x', { severity: 'warning' }, true)).toContain('\u001b[33mwarning\u001b[39m');
  });

  it('keeps the caret under tabs, wide characters and combining ones', () => {
    expect(told('\tx y', { column: 4, endColumn: 5 })).toContain('\n    | \t  ^\n');
    expect(told('検査 x', { column: 4, endColumn: 5 })).toContain('\n    |      ^\n');
    expect(told('検査 x', { column: 1, endColumn: 3 })).toContain('\n    | ^^^^\n');
    expect(told('e\u0301 x', { column: 4, endColumn: 5 })).toContain('\n    |   ^\n');
  });

  it('ends the caret with the line when the span goes on', () => {
    expect(told('abc\ndef', { column: 2, endLine: 2, endColumn: 2 })).toContain('\n    |  ^^\n');
  });

  it('cuts long lines around the place', () => {
    const text = told(`${'x'.repeat(500)}HERE${'y'.repeat(500)}`, { column: 501, endColumn: 505 });
    const [, source = '', caret = ''] = text.split('\n');
    expect(source.length).toBeLessThan(140);
    expect(source.slice(caret.indexOf('^'), caret.lastIndexOf('^') + 1)).toBe('HERE');
  });

  it('lets no file command the terminal', () => {
    const text = told('a\u001b[31mb\u202ec', { message: 'say \u001b]0;x\u0007', file: 'a.kdl' });
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it('takes sources as a map too', () => {
    expect(formatDiagnostics([diagnostic({})], new Map([['a.kdl', 'zzz']]), { color: false })).toContain('| zzz');
  });
});
