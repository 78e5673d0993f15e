import { forgeEventSchema } from '@solstice/common/forge';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cut, normalisePush, oneLine, person, type RawPush } from './push.js';

const raw: RawPush = {
  repository: { forgeRepositoryId: '1', name: 'team/tool' },
  ref: 'refs/heads/main',
  before: 'a'.repeat(40),
  after: 'b'.repeat(40),
  forced: false,
  pusher: { login: 'mira' },
  message: 'First line\n\nMore.',
};

test('created and deleted are what the zeros say', () => {
  expect(normalisePush({ ...raw, before: '0'.repeat(40) })).toMatchObject({ event: { created: true, deleted: false } });
  expect(normalisePush({ ...raw, after: '0'.repeat(40) })).toMatchObject({ event: { created: false, deleted: true } });
  expect(normalisePush(raw)).toMatchObject({ event: { created: false, deleted: false, title: 'First line' } });
});

test.each([
  'main',
  'refs/heads/',
  'refs/heads/a b',
  'refs/heads/a..b',
  'refs/heads/-\u0000',
  'refs/heads/x.lock',
  'refs//x',
  '',
])('%j is no ref', (ref) => {
  expect(normalisePush({ ...raw, ref })).toMatchObject({ kind: 'malformed' });
});

test('what follows from nothing is ignored, with the reason', () => {
  expect(normalisePush({ ...raw, ref: 'refs/notes/solstice' })).toMatchObject({ kind: 'ignored' });
  expect(normalisePush({ ...raw, after: raw.before })).toMatchObject({ kind: 'ignored', reason: /test delivery/ });
  expect(normalisePush({ ...raw, after: 'HEAD' })).toMatchObject({ kind: 'malformed' });
});

test('text of a stranger is one well-formed line, whatever it was', () => {
  expect(oneLine('a\u0000b\r\nc\u001b[31m\u2028d', 100)).toBe('a b c [31m d');
  expect(person('', undefined)).toEqual({ login: 'unknown' });
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.integer({ min: 1, max: 200 }), (text, most) => {
      const line = oneLine(text, most);
      expect(line.length).toBeLessThanOrEqual(most);
      expect(Buffer.from(line, 'utf8').toString('utf8')).toBe(line);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that is the test.
      expect(line).not.toMatch(/[\u0000-\u001f]/);
    }),
  );
});

test('cutting never leaves half a character', () => {
  expect(cut('😀😀😀', 4)).toBe('😀…');
  expect(cut('abc', 3)).toBe('abc');
  expect(cut('abcd', 3)).toBe('ab…');
});

test('whatever comes out is an event that the store takes', () => {
  const text = fc.string({ unit: 'binary', maxLength: 60 });
  fc.assert(
    fc.property(fc.record({ ref: text, message: text, login: text }), ({ ref, message, login }) => {
      const result = normalisePush({ ...raw, ref: `refs/heads/${ref}`, message, pusher: person(login, undefined) });
      if (result.kind !== 'event') return;
      expect(forgeEventSchema.parse(result.event)).toEqual(result.event);
      expect(JSON.stringify(result.event)).not.toContain('\\u0000');
    }),
  );
});
