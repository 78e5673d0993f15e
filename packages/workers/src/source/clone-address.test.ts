import { describe, expect, it } from 'vitest';
import { checkCommit, checkRef, parseCloneUrl } from './clone-address.js';

describe('clone addresses', () => {
  it.each([
    ['/srv/git/my project.git', /^my-project-[0-9a-f]{16}\.git$/],
    ['https://git.example.org/team/app.git', /^app-[0-9a-f]{16}\.git$/],
    ['ssh://git@git.example.org:2222/team/app', /^app-/],
    ['git@git.example.org:team/app.git', /^app-/],
    ['file:///srv/git/-rf.git', /^rf-/],
    ['/..', /^repository-/],
  ])('takes %s', (cloneUrl, directory) => {
    const parsed = parseCloneUrl(cloneUrl);
    expect(parsed.directoryName).toMatch(directory);
    expect(parsed.url).toBe(cloneUrl);
  });

  it('gives every address a directory of its own', () => {
    const names = ['/a/app', '/b/app', '/b/app.git', 'https://h/app'].map((url) => parseCloneUrl(url).directoryName);
    expect(new Set(names).size).toBe(4);
  });

  it('takes a credential out of the address', () => {
    const parsed = parseCloneUrl('https://bob:s%2Fcret@git.example.org/app.git');
    expect(parsed).toMatchObject({
      url: 'https://git.example.org/app.git',
      origin: 'https://git.example.org',
      credential: { username: 'bob', token: 's/cret' },
    });
    expect(parsed.directoryName).toBe(parseCloneUrl('https://git.example.org/app.git').directoryName);
  });

  it.each([
    '-oProxyCommand=x',
    '--upload-pack=touch x',
    'ext::sh -c x',
    'relative/path',
    '',
    'a\nb:c',
    '-h:x',
    'http://',
  ])('refuses %j', (cloneUrl) => {
    expect(() => parseCloneUrl(cloneUrl)).toThrow('not an address of a repository');
  });

  it('does not show the credential of an address that it refuses', () => {
    expect(() => parseCloneUrl('ftp://bob:secret@host/app')).toThrow('ftp://…@host/app');
  });
});

describe('refs and commits', () => {
  it.each([
    'refs/heads/main',
    'refs/heads/-x',
    'refs/heads/$(touch>x)',
    'refs/tags/v1',
    'refs/pull/7/head',
    'refs/heads/ä"',
  ])('takes the ref %s', (ref) => expect(() => checkRef(ref)).not.toThrow());
  it.each([
    'main',
    '-x',
    'refs/heads/',
    'refs/heads/a..b',
    'refs/heads/a b',
    'refs/heads/x:y',
    'refs/heads/*',
    'refs/heads/.a',
    'refs/a.lock',
    'refs/heads/a^',
    '+refs/heads/a',
    'refs/heads/@{1}',
  ])('refuses the ref %s', (ref) => expect(() => checkRef(ref)).toThrow('not a full name of a ref'));
  it.each(['', 'HEAD', '-x', 'a'.repeat(39), `${'a'.repeat(40)}^`, 'A'.repeat(40), `--output=${'a'.repeat(40)}`])(
    'refuses the commit %s',
    (commit) => expect(() => checkCommit(commit)).toThrow('not a commit'),
  );
});
