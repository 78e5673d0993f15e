import { describe, expect, it } from 'vitest';
import { globMatches, globProblem } from './glob.js';

describe('globMatches', () => {
  it.each([
    ['main', 'main', true],
    ['main', 'maintenance', false],
    ['main', 'Main', false],
    ['*', 'main', true],
    ['*', 'a/b', false],
    ['*', '', true],
    ['**', 'a/b/c', true],
    ['release/*', 'release/1.0', true],
    ['release/*', 'release/1/2', false],
    ['release/*', 'release/', true],
    ['release/**', 'release/1/2', true],
    ['release/**', 'release', false],
    ['**/hotfix', 'a/b/hotfix', true],
    ['**/hotfix', 'hotfix', true],
    ['**/hotfix', 'ahotfix', false],
    ['src/**/a.c', 'src/a.c', true],
    ['src/**/a.c', 'src/x/y/a.c', true],
    ['src/**/a.c', 'srca.c', false],
    ['a**/b', 'a/b', true],
    ['a**/b', 'ab', false],
    ['v?', 'v1', true],
    ['v?', 'v', false],
    ['a?b', 'a/b', false],
    ['?', '🚀', true],
    ['a.c', 'abc', false],
    ['(a|b)+', '(a|b)+', true],
    ['*a*b*c', 'xxaxxbxxc', true],
    ['', '', true],
    ['', 'a', false],
  ])('%s on %s: %s', (pattern, text, matches) => expect(globMatches(pattern, text)).toBe(matches));

  it('is not slowed down by many stars', () => {
    const started = performance.now();
    expect(globMatches(`${'*a'.repeat(100)}b`, 'a'.repeat(2_000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

it('globProblem names what has no meaning', () => {
  expect(globProblem('release/*')).toBeUndefined();
  expect(globProblem('refs/heads/main')?.hint).toBe('Write "main".');
  expect(globProblem('!main')?.message).toBe('there are no patterns that exclude');
  expect(globProblem('refs/tags/v1', 'tag')?.hint).toBe('Write "v1".');
  expect(globProblem('refs/heads/x', 'path')).toBeUndefined();
  expect(globProblem('a:b~c^', 'path')).toBeUndefined();
  expect(globProblem('./src/', 'path')?.hint).toBe('Write "src/**".');
  expect(globProblem('/', 'path')?.hint).toBe('Write "**".');
  expect(globProblem('v[0-9]')?.message).toBe('"[" means nothing in a pattern');
});
