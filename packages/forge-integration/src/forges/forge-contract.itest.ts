import type { CheckState } from '@solstice/common/store';
import { type BareRepository, forgejoUserId, githubUserId } from '@solstice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Installation, makeInstallation, WORKFLOW } from '../testing/installation.js';
import type { Forge, ForgeRepository, PullRequests } from './forge.js';

let here: Installation;
beforeAll(async () => {
  here = await makeInstallation();
});
afterAll(() => here[Symbol.asyncDispose]());

const soon = () => AbortSignal.timeout(20_000);
const GONE = 'dead'.repeat(10);
const check = (state: CheckState['state'], title = 'Title'): CheckState => ({
  state,
  title,
  text: '',
  pageKey: undefined,
});

describe.each(['hub', 'forgejo', 'local', 'remote'] as const)('the contract of a forge: %s', (which) => {
  let forge: Forge;
  let repository: ForgeRepository;
  let git: BareRepository;
  beforeAll(() => {
    const id = which === 'remote' ? 'local' : which;
    const { row, hosted } = here.repositories[which === 'remote' ? 'forgejo' : id];
    forge = here.forges.get(id) as Forge;
    git = hosted.git;
    // The plain git forge, with a repository that is on another machine: here behind git's own HTTP.
    repository = which === 'remote' ? { name: 'far', cloneUrl: remoteUrl() } : row;
  });

  test('workflow files come sorted, with their text, and nothing else does', async () => {
    const commit = await git.commit({
      files: {
        '.solstice/b.kdl': WORKFLOW,
        '.solstice/a b#?%.kdl': 'workflow name="Ä 日本"\n',
        '.solstice/readme.md': 'no',
        '.solstice/deep/c.kdl': 'no',
        'src/d.kdl': 'no',
        'd.kdl': 'no',
      },
    });
    expect(await forge.readWorkflowFiles(repository, commit, soon())).toEqual([
      { path: '.solstice/a b#?%.kdl', text: 'workflow name="Ä 日本"\n' },
      { path: '.solstice/b.kdl', text: WORKFLOW },
    ]);
  });

  test('no directory, or a file in its place, is no workflow', async () => {
    const none = await git.commit({ files: { 'README.md': 'x' } });
    expect(await forge.readWorkflowFiles(repository, none, soon())).toEqual([]);
    const file = await git.commit({ files: { '.solstice': 'x' } });
    expect(await forge.readWorkflowFiles(repository, file, soon())).toEqual([]);
  });

  test('a symbolic link is not followed', async () => {
    const base = await git.commit({ files: { '.solstice/a.kdl': WORKFLOW } });
    const link = await git.gitBytes(['hash-object', '-w', '--stdin'], '/etc/passwd');
    const blob = await git.git('rev-parse', `${base}:.solstice/a.kdl`);
    const directory = await git.gitBytes(
      ['mktree'],
      `100644 blob ${blob}\ta.kdl\n120000 blob ${link.toString().trim()}\tz.kdl\n`,
    );
    const tree = await git.gitBytes(['mktree'], `040000 tree ${directory.toString().trim()}\t.solstice\n`);
    const commit = await git.git('commit-tree', '-m', 'link', tree.toString().trim());
    await git.git('update-ref', 'refs/heads/link', commit);
    expect(await forge.readWorkflowFiles(repository, commit, soon())).toEqual([
      { path: '.solstice/a.kdl', text: WORKFLOW },
    ]);
  });

  test('a file over 256 KiB and one that is no text are refused by themselves', async () => {
    const commit = await git.commit({
      files: {
        '.solstice/a.kdl': 'x'.repeat(256 * 1024 + 1),
        '.solstice/b.kdl': 'y'.repeat(256 * 1024),
        '.solstice/c.kdl': Uint8Array.of(0x77, 0xff, 0xfe),
      },
    });
    expect(await forge.readWorkflowFiles(repository, commit, soon())).toMatchObject([
      { path: '.solstice/a.kdl', diagnostic: { code: 'file-too-large', file: '.solstice/a.kdl', line: 1, column: 1 } },
      { path: '.solstice/b.kdl', text: 'y'.repeat(256 * 1024) },
      { path: '.solstice/c.kdl', diagnostic: { code: 'not-utf8' } },
    ]);
  });

  test('32 files are read, 33 are one refusal', async () => {
    const files: Record<string, string> = {};
    for (let index = 0; index < 32; index++) files[`.solstice/w${index}.kdl`] = `// ${index}\n`;
    const most = await git.commit({ files });
    const read = await forge.readWorkflowFiles(repository, most, soon());
    expect(read).toHaveLength(32);
    expect(read).toContainEqual({ path: '.solstice/w31.kdl', text: '// 31\n' });
    const tooMany = await git.commit({ files: { ...files, '.solstice/one-more.kdl': '' } });
    expect(await forge.readWorkflowFiles(repository, tooMany, soon())).toMatchObject([
      { path: '.solstice', diagnostic: { code: 'too-many-files', message: expect.stringContaining('33') } },
    ]);
  });

  test('a commit that was force-pushed away is still read', async () => {
    const lost = await git.commit({ branch: 'force', files: { '.solstice/lost.kdl': WORKFLOW } });
    await git.commit({ branch: 'force', files: { x: 'y' }, parents: [] });
    expect(await git.git('branch', '--contains', lost)).toBe('');
    expect(await forge.readWorkflowFiles(repository, lost, soon())).toEqual([
      { path: '.solstice/lost.kdl', text: WORKFLOW },
    ]);
  });

  test('a commit that is not there is gone, and that is final', async () => {
    await expect(forge.readWorkflowFiles(repository, GONE, soon())).rejects.toMatchObject({
      problem: 'commit-gone',
      retryable: false,
      message: expect.stringContaining(GONE),
    });
  });

  test('a repository that is not there is somebody’s to mend', async () => {
    const strange = { name: 'team/nowhere', cloneUrl: '/nowhere/at/all.git' };
    const problem = which === 'local' || which === 'remote' ? 'unavailable' : 'refused';
    await expect(forge.readWorkflowFiles(strange, GONE, soon())).rejects.toMatchObject({ problem });
    await expect(forge.defaultRef(strange, soon())).rejects.toMatchObject({ problem });
    await expect(forge.resolveRef(strange, 'refs/heads/main', soon())).rejects.toMatchObject({ problem });
    await expect(forge.resolveRef(strange, 'refs/tags/v1', soon())).rejects.toMatchObject({ problem });
  });

  test('refs are resolved, tags to their commit', async () => {
    const commit = await git.commit({ branch: 'release/1.x', files: { x: '1' } });
    await git.git('tag', '-a', '-m', 'annotated', `v1-${which}`, commit);
    expect(await forge.defaultRef(repository, soon())).toBe('refs/heads/main');
    expect(await forge.resolveRef(repository, 'refs/heads/release/1.x', soon())).toBe(commit);
    expect(await forge.resolveRef(repository, `refs/tags/v1-${which}`, soon())).toBe(commit);
    expect(await forge.resolveRef(repository, 'refs/heads/release', soon())).toBeUndefined();
    expect(await forge.resolveRef(repository, 'refs/tags/none', soon())).toBeUndefined();
  });

  test('commits are compared from what they have in common', async () => {
    const branch = (name: string) => `${name}-${which}`;
    const base = await git.commit({ branch: branch('c'), files: { a: '1', 'ä b/c"d': '1', old: 'x'.repeat(200) } });
    const other = await git.commit({ branch: branch('d'), files: { a: '2', 'ä b/c"d': '1' }, parents: [base] });
    const first = await git.commit({ branch: branch('c'), files: { a: '1', 'ä b/c"d': '2', old: 'x'.repeat(200) } });
    const head = await git.commit({ branch: branch('c'), files: { a: '1', 'ä b/c"d': '3', moved: 'x'.repeat(200) } });
    const there = await forge.compare(repository, other, head, soon());
    expect(there).toMatchObject({ ahead: 2, files: { kind: 'all' } });
    expect([1, undefined]).toContain(there?.behind);
    expect(there?.files.kind === 'all' ? [...there.files.paths].sort() : []).toEqual(['moved', 'old', 'ä b/c"d']);
    expect(await forge.compare(repository, head, first, soon())).toMatchObject({
      ahead: 0,
      files: { kind: 'all', paths: [] },
    });
    expect(await forge.compare(repository, head, head, soon())).toMatchObject({ ahead: 0, files: { paths: [] } });
  });

  test('what is not there, or has nothing in common, is not compared', async () => {
    const one = await git.commit({ branch: `e-${which}`, files: { a: '1' } });
    const alone = await git.commit({ branch: `f-${which}`, files: { b: '1' }, parents: [] });
    expect(await forge.compare(repository, GONE, one, soon())).toBeUndefined();
    expect(await forge.compare(repository, one, GONE, soon())).toBeUndefined();
    expect(await forge.compare(repository, one, alone, soon())).toBeUndefined();
  });

  test('a status is shown, replaced by the next of its context, and beside those of others', async () => {
    const commit = await git.commit({ files: { [which]: '1' } });
    const report = (context: string, state: CheckState, url?: string) =>
      forge.reportCheck(repository, commit, context, state, url, soon());
    await report('solstice/A', check('pending', 'Queued'), 'http://ci.example/runs/k1');
    await report('solstice/B', check('running', `Running ${'😀'.repeat(200)}`), 'http://ci.example/runs/k2');
    await report('solstice/A', check('succeeded', 'All well'), 'http://ci.example/runs/k1');
    await report('solstice/A', check('succeeded', 'All well'), 'http://ci.example/runs/k1');
    await report('solstice/broken.kdl', check('failed', '.solstice/broken.kdl:3:5: unknown word'));
    const shown = await shownOn(which, git, commit);
    expect(shown.get('solstice/A')).toEqual(['success', 'All well', 'http://ci.example/runs/k1']);
    expect(shown.get('solstice/B')?.[0]).toBe('pending');
    expect(shown.get('solstice/broken.kdl')).toEqual(['failure', '.solstice/broken.kdl:3:5: unknown word', undefined]);
    expect(shown.size).toBe(3);
  });

  test('a status on a commit that is not there is an error', async () => {
    await expect(
      forge.reportCheck(repository, GONE, 'solstice/A', check('succeeded'), undefined, soon()),
    ).rejects.toMatchObject({
      name: 'ForgeError',
    });
  });

  test('an aborted call ends with the forge’s error', async () => {
    const commit = await git.commit({ files: { '.solstice/a.kdl': WORKFLOW } });
    await expect(forge.readWorkflowFiles(repository, commit, AbortSignal.abort())).rejects.toMatchObject({
      name: 'ForgeError',
      problem: 'unavailable',
    });
  });
});

describe.each(['hub', 'forgejo'] as const)('a forge with pull requests: %s', (which) => {
  const server = () => (which === 'hub' ? here.github : here.forgejo);
  const pulls = () => here.forges.get(which)?.pullRequests as PullRequests;
  const repository = () => here.repositories[which].row;
  const idOf = which === 'hub' ? githubUserId : forgejoUserId;

  test('a pull request as it is now', async () => {
    const { hosted } = here.repositories[which];
    const commits = { headCommit: 'a'.repeat(40), baseCommit: 'b'.repeat(40) };
    const pull = { number: 3, headRepositoryId: hosted.id, headBranch: 'x/y', baseBranch: 'main', ...commits };
    server().hostPull(hosted.fullName, pull);
    expect(await pulls().find(repository(), 3, soon())).toEqual({
      number: 3,
      open: true,
      head: { forgeRepositoryId: String(hosted.id), branch: 'x/y', commit: 'a'.repeat(40) },
      base: { branch: 'main', commit: 'b'.repeat(40) },
      title: 'Teach the parser about tabs',
    });
    server().hostPull(hosted.fullName, { ...pull, headRepositoryId: null, state: 'closed' });
    expect(await pulls().find(repository(), 3, soon())).toMatchObject({
      open: false,
      head: { forgeRepositoryId: undefined },
    });
    expect(await pulls().find(repository(), 4, soon())).toBeUndefined();
  });

  test('who may write: only who the forge says does, under that name and number', async () => {
    for (const permission of ['admin', 'write', 'read', 'none', 'triage', 'WRITE', '']) {
      server().permissions.set(`p-${permission}`, permission);
    }
    const may = (login: string, id?: string) =>
      pulls().mayWrite(repository(), { login, ...(id !== undefined && { id }) }, soon());
    expect(await may('p-admin')).toBe(true);
    expect(await may('p-write', String(idOf('p-write')))).toBe(true);
    for (const login of ['p-read', 'p-none', 'p-triage', 'p-WRITE', 'p-', 'known-stranger', 'nobody']) {
      expect([login, await may(login)]).toEqual([login, false]);
    }
    expect(await may('p-write', '1')).toBe(false);
    expect(await may('../../../repos/team/tool/collaborators/p-admin')).toBe(false);
    server().tellsPermissions = false;
    await expect(may('p-write')).rejects.toMatchObject({ problem: 'refused' });
    server().tellsPermissions = true;
    server().misbehave({ times: 1, status: 503 });
    await expect(may('p-write')).rejects.toMatchObject({ problem: 'unavailable' });
  });
});

describe('what a forge does not list is not taken for nothing', () => {
  test('GitHub: 300 files, and all of them on one page', async () => {
    const { row, hosted } = here.repositories.hub;
    const forge = here.forges.get('hub') as Forge;
    const files = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${n}`, '1']));
    const base = await hosted.git.commit({ branch: 'many', files: { x: '1' } });
    const most = await hosted.git.commit({ branch: 'many', files: { x: '1', ...files(299) } });
    const tooMany = await hosted.git.commit({ branch: 'many', files: { x: '1', ...files(300) } });
    const compared = await forge.compare(row, base, most, soon());
    expect(compared?.files.kind === 'all' && compared.files.paths.length).toBe(299);
    expect(await forge.compare(row, base, tooMany, soon())).toMatchObject({
      ahead: 2,
      files: { kind: 'incomplete', reason: expect.stringContaining('300') },
    });
  });

  test.each([
    ['files', 'all', ['a']],
    ['commits', 'all', ['a', 'b']],
    ['nothing', 'incomplete', undefined],
  ] as const)('Forgejo, when it lists by %s: %s', async (by, kind, paths) => {
    const { row, hosted } = here.repositories.forgejo;
    const forge = here.forges.get('forgejo') as Forge;
    const branch = `by-${by}`;
    const base = await hosted.git.commit({ branch, files: { b: '1' } });
    await hosted.git.commit({ branch, files: { a: '1', b: '2' } });
    const head = await hosted.git.commit({ branch, files: { a: '1', b: '1' } });
    here.forgejo.comparesBy = by;
    const compared = await forge.compare(row, base, head, soon());
    expect(compared?.files.kind).toBe(kind);
    if (compared?.files.kind === 'all') expect([...compared.files.paths].sort()).toEqual(paths);
    here.forgejo.comparesBy = 'commits';
  });
});

test('nothing was asked that the real APIs do not have', () => {
  expect([...here.github.unknownRequests, ...here.forgejo.unknownRequests]).toEqual([]);
});

function remoteUrl(): string {
  return `${here.forgejo.url.replace('http://', 'http://solstice:forge-token-4711@')}/team/tool.git`;
}

/** context -> [state, title, address], in the words of the commit statuses. */
async function shownOn(which: string, git: BareRepository, commit: string) {
  const statuses = which === 'hub' ? here.github : which === 'forgejo' ? here.forgejo : undefined;
  if (statuses) {
    return new Map(
      [...statuses.statusesOf(commit)].map(
        ([context, one]) => [context, [one.state, one.description, one.targetUrl]] as const,
      ),
    );
  }
  const words: Record<string, string> = { succeeded: 'success', failed: 'failure', running: 'pending' };
  const note = await git.git('notes', '--ref=solstice', 'show', commit);
  return new Map(
    note.split('\n').map((line) => {
      const [context = '', state = '', title, url] = line.split('\t');
      return [context, [words[state] ?? state, title, url]] as const;
    }),
  );
}
