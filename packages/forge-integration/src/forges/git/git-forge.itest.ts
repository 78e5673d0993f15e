import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { CheckState } from '@solstice/common/store';
import { BareRepository } from '@solstice/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Installation, makeInstallation, silent, WORKFLOW } from '../../testing/installation.js';
import { createForges } from '../create-forges.js';
import type { Forge } from '../forge.js';

let here: Installation;
let git: BareRepository;
beforeEach(async () => {
  here = await makeInstallation();
  git = here.repositories.local.hosted.git;
});
afterEach(() => here[Symbol.asyncDispose]());

const soon = () => AbortSignal.timeout(50_000);
const state: CheckState = { state: 'succeeded', title: 'Fine', text: '', pageKey: undefined };
const noteOf = (commit: string) => git.git('notes', '--ref=solstice', 'show', commit);
/** Another process's forge, as far as locks in this one go. */
const another = () =>
  createForges(here.settings, {
    logger: silent,
    cacheDirectory: join(here.directory.path, 'cache-of-another'),
    environment: { PATH: process.env.PATH, HOME: here.directory.path },
  }).get('local') as Forge;

test('twenty-four contexts from six reporters at once are twenty-four lines', async () => {
  const commit = await git.commit({ files: { x: '1' } });
  const forges = Array.from({ length: 6 }, another);
  await Promise.all(
    forges.flatMap((forge, index) =>
      [0, 1, 2, 3].map((number) =>
        forge.reportCheck(here.repositories.local.row, commit, `solstice/${index}-${number}`, state, undefined, soon()),
      ),
    ),
  );
  const lines = (await noteOf(commit)).split('\n');
  expect(lines).toHaveLength(24);
  expect(new Set(lines.map((line) => line.split('\t')[0])).size).toBe(24);
});

test('notes of other people on the ref stay', async () => {
  const commit = await git.commit({ files: { x: '1' } });
  const other = await git.commit({ files: { x: '2' } });
  await git.git('notes', '--ref=solstice', 'add', '-m', 'Reviewed-by: Ada', commit);
  await git.git('notes', '--ref=solstice', 'add', '-m', 'elsewhere', other);
  await another().reportCheck(here.repositories.local.row, commit, 'solstice/A', state, undefined, soon());
  expect(await noteOf(commit)).toBe('Reviewed-by: Ada\nsolstice/A\tsucceeded\tFine');
  expect(await noteOf(other)).toBe('elsewhere');
});

test('the same report again writes no new commit of notes', async () => {
  const commit = await git.commit({ files: { x: '1' } });
  const report = () =>
    another().reportCheck(here.repositories.local.row, commit, 'solstice/A', state, undefined, soon());
  await report();
  const tip = await git.resolve('refs/notes/solstice');
  await report();
  expect(await git.resolve('refs/notes/solstice')).toBe(tip);
});

test('hooks of the repository do not run for our notes, nor does its replace ref fool us', async () => {
  const commit = await git.commit({ files: { '.solstice/a.kdl': WORKFLOW } });
  const fake = await git.commit({ branch: 'fake', files: { '.solstice/a.kdl': 'fake' } });
  await git.git('replace', commit, fake);
  const trap = join(here.directory.path, 'trapped');
  for (const hook of ['reference-transaction', 'post-receive', 'update']) {
    await mkdir(join(git.path, 'hooks'), { recursive: true });
    await writeFile(join(git.path, 'hooks', hook), `#!/bin/sh\ntouch '${trap}'\n`, { mode: 0o755 });
  }
  const forge = another();
  await forge.reportCheck(here.repositories.local.row, commit, 'solstice/A', state, undefined, soon());
  expect(await forge.readWorkflowFiles(here.repositories.local.row, commit, soon())).toEqual([
    { path: '.solstice/a.kdl', text: WORKFLOW },
  ]);
  expect(await readdir(here.directory.path)).not.toContain('trapped');
});

test.runIf(process.getuid?.() === 0)(
  "another user's repository: read, reported to, and every file stays theirs",
  async () => {
    const commit = await git.commit({ files: { '.solstice/a.kdl': WORKFLOW } });
    await chmod(here.directory.path, 0o755);
    await promisify(execFile)('chown', ['-R', '65534:65534', git.path]);
    const forge = another();
    expect(await forge.readWorkflowFiles(here.repositories.local.row, commit, soon())).toHaveLength(1);
    await forge.reportCheck(here.repositories.local.row, commit, 'solstice/A', state, undefined, soon());
    const strangers: string[] = [];
    for (const name of await readdir(git.path, { recursive: true })) {
      if ((await stat(join(git.path, name))).uid !== 65534) strangers.push(name);
    }
    expect(strangers).toEqual([]);
  },
);

test.runIf(process.getuid?.() === 0)("another user's repository below a closed directory is read as root", async () => {
  const closed = join(here.directory.path, 'closed');
  await mkdir(closed, { mode: 0o700 });
  const inside = await BareRepository.create(join(closed, 'r.git'));
  const commit = await inside.commit({ files: { '.solstice/a.kdl': WORKFLOW } });
  await chown(inside.path, 65534, 65534);
  expect(await another().readWorkflowFiles({ name: 'r', cloneUrl: inside.path }, commit, soon())).toHaveLength(1);
});

test('a repository with files is as good as a bare one, and so is a file: address', async () => {
  const commit = await git.commit({ files: { '.solstice/a.kdl': WORKFLOW } });
  const clone = join(here.directory.path, 'clone');
  await git.git('clone', '--quiet', git.path, clone);
  for (const cloneUrl of [clone, `file://${git.path}`]) {
    expect(await another().readWorkflowFiles({ name: 'r', cloneUrl }, commit, soon())).toHaveLength(1);
  }
});

test('inside a hook, whose environment points at another repository, ours is read', async () => {
  const commit = await git.commit({ files: { '.solstice/a.kdl': WORKFLOW } });
  const other = here.repositories.hub.hosted.git.path;
  const forge = createForges(here.settings, {
    logger: silent,
    cacheDirectory: here.directory.path,
    environment: {
      PATH: process.env.PATH,
      GIT_DIR: other,
      GIT_OBJECT_DIRECTORY: join(other, 'objects'),
      GIT_QUARANTINE_PATH: other,
      GIT_INDEX_FILE: '/nowhere',
    },
  }).get('local') as Forge;
  expect(await forge.readWorkflowFiles(here.repositories.local.row, commit, soon())).toHaveLength(1);
  await forge.reportCheck(here.repositories.local.row, commit, 'solstice/A', state, undefined, soon());
  expect(await noteOf(commit)).toContain('solstice/A');
});

test('a remote: two reporters with caches of their own lose no line, and no error shows the password', async () => {
  const { hosted } = here.repositories.forgejo;
  const commit = await hosted.git.commit({ files: { x: '1' } });
  const withPassword = (password: string) =>
    `${here.forgejo.url.replace('http://', `http://solstice:${password}@`)}/team/tool.git`;
  const repository = { name: 'far', cloneUrl: withPassword('forge-token-4711') };
  const [one, two] = [here.forges.get('local') as Forge, another()];
  await Promise.all(
    [one, two, one, two].map((forge, index) =>
      forge.reportCheck(repository, commit, `solstice/${index}`, state, undefined, soon()),
    ),
  );
  expect((await hosted.git.git('notes', '--ref=solstice', 'show', commit)).split('\n')).toHaveLength(4);
  const denied = { name: 'far', cloneUrl: withPassword('wrong-password') };
  await expect(one.readWorkflowFiles(denied, commit, soon())).rejects.toMatchObject({
    problem: 'unavailable',
    message: expect.not.stringContaining('wrong-password'),
  });
});

test('a broken cache is made anew', async () => {
  const { hosted } = here.repositories.forgejo;
  const commit = await hosted.git.commit({ files: { '.solstice/a.kdl': WORKFLOW } });
  const repository = {
    name: 'far',
    cloneUrl: `${here.forgejo.url.replace('http://', 'http://x:forge-token-4711@')}/team/tool.git`,
  };
  const forge = here.forges.get('local') as Forge;
  expect(await forge.readWorkflowFiles(repository, commit, soon())).toHaveLength(1);
  const cache = join(here.directory.path, 'cache');
  const [name = ''] = await readdir(cache);
  expect((await stat(cache)).mode & 0o077).toBe(0);
  await writeFile(join(cache, name, 'HEAD'), 'garbage');
  expect(await forge.readWorkflowFiles(repository, commit, soon())).toHaveLength(1);
});
