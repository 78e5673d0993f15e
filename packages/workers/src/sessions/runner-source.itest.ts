import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildRunner } from '@solstice/runner/build';
import { eventually, type TemporaryDirectory, temporaryDirectory } from '@solstice/testing';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assignmentOf, RecordingHandler } from './testing/recording-handler.js';
import { Bench } from './testing/runner-process.js';
import { SourceRepository } from './testing/source-repository.js';

const fileCount = 10_000;
let directory: TemporaryDirectory;
let repository: SourceRepository;

beforeAll(async () => {
  await buildRunner();
  directory = await temporaryDirectory('solstice-source-');
  repository = new SourceRepository(directory.path, fileCount);
});
afterAll(() => directory.remove());

const inspect = [
  'find . -name ".git" -prune -o -type f -print | wc -l',
  'cat files-19/file-9999',
  './link',
  'cat "$(find . -name "n*me with spaces")"',
  'wc -c < large',
  'test ! -x large',
].join('\n');
const inspected = `${fileCount + 3}\ncontent 9999\nbuilt\ndeep\n${3 * 1024 * 1024}\n`;

const sourceOf = (mirrorPath: string, commit = repository.commit) => ({
  source: { commit, ref: 'refs/heads/main', mirrorPath },
});

describe('the source, with git in the worker', () => {
  it('is a clone that borrows the mirror’s objects', async () => {
    const script = `${inspect}\ngit rev-parse HEAD\ngit status --porcelain\ngit log -1 --format=%s\ntest -e .git/objects/info/alternates`;
    const handler = new RecordingHandler(assignmentOf([script], sourceOf(repository.mirror)));
    await using bench = await Bench.make(handler);
    await bench.run();
    expect(handler.result).toEqual({ state: 'succeeded' });
    expect(handler.output(0).toString()).toBe(`${inspected}${repository.commit}\nall of it\n`);
    expect(handler.system).toMatch(new RegExp(`^Checked out ${repository.commit} \\(refs/heads/main\\) with git in `));
  });

  it('can be made by another user, into a directory that belongs to root', async () => {
    const handler = new RecordingHandler(
      assignmentOf(['id -u; git status --porcelain; git log -1 --format=%s'], sourceOf(repository.mirror)),
    );
    await using bench = await Bench.make(handler);
    for (const path of [bench.workDirectory, bench.spoolDirectory]) {
      await mkdir(path);
      await chmod(path, 0o777);
    }
    const runner = await bench.startRunner({}, {}, { userId: 65534 });
    expect(await runner.ended).toEqual({ exitCode: 0, signal: null, stderr: '' });
    expect(handler.system).toContain('Checked out');
    expect(handler.output(0).toString()).toBe('65534\nall of it\n');
  });

  it('a commit that is not there fails the job with git’s own words', async () => {
    const missing = 'a'.repeat(40);
    const handler = new RecordingHandler(assignmentOf(['echo never'], sourceOf(repository.mirror, missing)));
    await using bench = await Bench.make(handler);
    await bench.run();
    expect(handler.result).toEqual({
      state: 'failed',
      cause: { kind: 'source', detail: expect.stringContaining(missing) },
    });
    expect(handler.system).toContain('The source could not be checked out: ');
    expect(handler.stepResults()).toEqual([]);
  });
});

describe('the source, without git in the worker', () => {
  it('comes over the session', async () => {
    const handler = new RecordingHandler(assignmentOf([inspect], sourceOf('')));
    handler.archive = () => repository.archive();
    await using bench = await Bench.make(handler);
    await bench.run();
    expect(handler.result).toEqual({ state: 'succeeded' });
    expect(handler.output(0).toString()).toBe(inspected);
    expect(handler.system).toContain(`Unpacked ${fileCount + 3} files of ${repository.commit}`);
  });

  it('comes over the session when the mirror is there but git is not', async () => {
    const handler = new RecordingHandler(assignmentOf(['./link'], sourceOf(repository.mirror)));
    handler.archive = () => repository.archive();
    await using bench = await Bench.make(handler);
    const tools = join(bench.directory.path, 'tools');
    await mkdir(tools);
    await symlink('/bin/sh', join(tools, 'sh'));
    await (await bench.startRunner({}, { PATH: tools })).ended;
    expect(handler.output(0).toString()).toBe('built\n');
    expect(handler.system).toContain('there is no git in this worker');
  });

  it('is begun anew when the stream breaks in the middle', async () => {
    const handler = new RecordingHandler(assignmentOf([inspect], sourceOf('')));
    let requests = 0;
    let stuck = false;
    handler.archive = async function* () {
      requests += 1;
      let bytes = 0;
      for await (const piece of repository.archive()) {
        yield piece;
        bytes += piece.length;
        if (requests === 1 && bytes > 1_500_000) {
          stuck = true;
          await new Promise(() => {});
        }
      }
    };
    await using bench = await Bench.make(handler);
    const runner = await bench.startRunner();
    await eventually(() => stuck);
    await bench.stopServer();
    await bench.startServer();
    expect((await runner.ended).exitCode).toBe(0);
    expect(handler.output(0).toString()).toBe(inspected);
  });

  it('that the host cannot make fails the job with its reason', async () => {
    const handler = new RecordingHandler(assignmentOf(['echo never'], sourceOf('')));
    handler.archive = async function* () {
      yield Buffer.alloc(0);
      throw new Error('the mirror has no such commit');
    };
    await using bench = await Bench.make(handler);
    await bench.run();
    const cause = { kind: 'source', detail: 'the mirror has no such commit' };
    expect(handler.result).toEqual({ state: 'failed', cause });
  });

  it('is stopped by a cancel', async () => {
    const handler = new RecordingHandler(assignmentOf(['echo never'], sourceOf('')));
    let asked = false;
    handler.archive = async function* () {
      asked = true;
      yield Buffer.alloc(512);
      await new Promise(() => {});
    };
    await using bench = await Bench.make(handler);
    const runner = await bench.startRunner();
    await eventually(() => asked);
    handler.control?.cancel('no');
    expect((await runner.ended).exitCode).toBe(0);
    expect(handler.result?.state).toBe('cancelled');
  });

  it.each([
    ['the job', { deadlineMs: 500n, deadlineLimitMs: 9_000n }, 'timed_out', { clock: 'deadline', limitMs: 9_000 }],
    [
      'its workflow',
      { enclosingDeadline: { leftMs: 500n, limitMs: 9_000n, branch: '' } },
      'cancelled',
      { clock: 'workflow', limitMs: 9_000 },
    ],
  ] as const)('takes no longer than the deadline of %s', async (_, limit, state, cause) => {
    const handler = new RecordingHandler(assignmentOf(['echo never'], { ...sourceOf(''), ...limit }));
    handler.archive = async function* () {
      yield Buffer.alloc(512);
      await new Promise(() => {});
    };
    await using bench = await Bench.make(handler);
    expect((await bench.run()).exitCode).toBe(0);
    expect(handler.result).toMatchObject({ state, cause });
    expect(handler.stepResults()).toEqual([]);
    expect(handler.output(0)).toHaveLength(0);
  });

  it('takes no longer than the deadline also while nobody is there to send it', async () => {
    const handler = new RecordingHandler(
      assignmentOf(['echo never'], { ...sourceOf(''), deadlineMs: 1_000n, deadlineLimitMs: 9_000n }),
    );
    let asked = false;
    handler.archive = async function* () {
      asked = true;
      yield Buffer.alloc(512);
      await new Promise(() => {});
    };
    await using bench = await Bench.make(handler);
    const runner = await bench.startRunner();
    await eventually(() => asked);
    await bench.stopServer();
    await eventually(async () => (await bench.spooledText()).includes("The job's deadline of 9 s is over"));
    await bench.startServer();
    await runner.ended;
    expect(handler.result).toMatchObject({ state: 'timed_out', cause: { clock: 'deadline' } });
  });

  it.each([
    ['a name with ..', [{ name: '../escaped', content: 'x' }], 'outside the checkout'],
    ['an absolute name', [{ name: '/tmp/escaped', content: 'x' }], 'outside the checkout'],
    ['a name with .. inside', [{ name: 'a/../../escaped', content: 'x' }], 'outside the checkout'],
    [
      'a file written through a link',
      [
        { name: 'way', link: '..' },
        { name: 'way/escaped', content: 'x' },
      ],
      'way twice',
    ],
    [
      'a link written over a file, and through it',
      [
        { name: 'way', link: '../escaped' },
        { name: 'way', content: 'x' },
      ],
      'way twice',
    ],
    ['a hard link', [{ name: 'hard', hardLink: '/etc/passwd' }], 'of kind link'],
  ])('is refused when it has %s', async (_, entries, why) => {
    const handler = new RecordingHandler(assignmentOf(['echo never'], sourceOf('')));
    handler.archive = () => archiveOf(entries);
    await using bench = await Bench.make(handler);
    await writeFile(join(bench.directory.path, 'escaped'), 'untouched');
    await bench.run();
    expect(handler.result).toEqual({
      state: 'failed',
      cause: { kind: 'source', detail: expect.stringContaining(why) },
    });
    expect(await readFile(join(bench.directory.path, 'escaped'), 'utf8')).toBe('untouched');
  });
});

interface Entry {
  name: string;
  content?: string;
  link?: string;
  hardLink?: string;
}

function archiveOf(entries: readonly Entry[]): AsyncIterable<Uint8Array> {
  const archive = pack();
  for (const { name, content, link, hardLink } of entries) {
    if (link !== undefined) archive.entry({ name, type: 'symlink', linkname: link });
    else if (hardLink !== undefined) archive.entry({ name, type: 'link', linkname: hardLink });
    else archive.entry({ name }, content ?? '');
  }
  archive.finalize();
  return archive as unknown as AsyncIterable<Uint8Array>;
}
