import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRunnerMount } from './runner-mount.js';

const run = promisify(execFile);
let base: string;
let directory: string;
let runnerBundle: string;

beforeEach(async () => {
  base = await mkdtemp(path.join(tmpdir(), 'solstice-mount-'));
  directory = path.join(base, 'runner');
  runnerBundle = path.join(base, 'bundle.cjs');
  await writeFile(runnerBundle, 'console.log("version one", process.argv.slice(2).join(" "))');
});
afterEach(async () => {
  await rm(base, { recursive: true });
});

describe('the runner’s mount', () => {
  it('has all that it needs to run, with its own loader', async () => {
    const mount = await createRunnerMount({ directory, runnerBundle }).ready();
    const [loader = '', ...rest] = mount.command(mount.directory, ['--boot', 'x']);
    const { stdout } = await run(loader, rest, { env: {} });
    expect(stdout).toBe('version one --boot x\n');
    const { stdout: maps } = await run(loader, [
      ...rest.slice(0, 3),
      '-p',
      'fs.readFileSync("/proc/self/maps","utf8")',
    ]);
    const loaded = [...maps.matchAll(/\/\S+\.so\S*/g)].map(([file]) => file);
    expect(loaded.length).toBeGreaterThan(0);
    for (const file of loaded) expect(file.startsWith(mount.directory)).toBe(true);
    const { stdout: unreadable } = await run('find', [mount.directory, '!', '-perm', '-o=r']);
    expect(unreadable).toBe('');
  });

  it('is made once, by however many at once, and again for another bundle', async () => {
    const mounts = await Promise.all(
      Array.from({ length: 5 }, () => createRunnerMount({ directory, runnerBundle }).ready()),
    );
    expect(new Set(mounts.map((mount) => mount.directory)).size).toBe(1);
    expect(await readdir(directory)).toEqual([mounts[0]?.version]);
    const { ino } = await stat(path.join(directory, mounts[0]?.version ?? '', 'runner.cjs'));
    await createRunnerMount({ directory, runnerBundle }).ready();
    expect((await stat(path.join(directory, mounts[0]?.version ?? '', 'runner.cjs'))).ino).toBe(ino);

    const other = path.join(base, 'other.cjs');
    await copyFile(runnerBundle, other);
    await writeFile(other, 'console.log("version two")');
    const second = await createRunnerMount({ directory, runnerBundle: other }).ready();
    expect((await readdir(directory)).sort()).toEqual([mounts[0]?.version, second.version].sort());
  });

  it('is not changed when the bundle it was made of is written anew', async () => {
    const mount = await createRunnerMount({ directory, runnerBundle }).ready();
    await writeFile(runnerBundle, 'console.log("rebuilt in place")');
    const [loader = '', ...rest] = mount.command(mount.directory, []);
    expect((await run(loader, rest)).stdout).toBe('version one \n');
  });

  it('says what is missing, and tries again when asked again', async () => {
    const mount = createRunnerMount({ directory, runnerBundle: path.join(base, 'later.cjs') });
    await expect(mount.ready()).rejects.toMatchObject({
      code: 'backend-unavailable',
      message: expect.stringContaining('later.cjs'),
    });
    await copyFile(runnerBundle, path.join(base, 'later.cjs'));
    await mount.ready();
    const script = createRunnerMount({ directory, runnerBundle, nodePath: runnerBundle });
    await expect(script.ready()).rejects.toThrow('is not a Linux program with shared libraries');
  });
});
