import { randomInt } from 'node:crypto';
import { access, readdir, readFile, readlink } from 'node:fs/promises';
import path from 'node:path';
import { connectDocker } from '@solstice/workers/backends';
import { describe, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { startDockerDaemon } from './docker-daemon.js';
import { pingDocker } from './docker-engine.js';
import { dockerForTests, provideDockerd } from './docker-for-tests.js';
import { makeTestImages } from './test-images.js';

const mayInstall = process.env.CI === 'true' || process.env.SOLSTICE_TEST_INSTALL === '1';
const missing = mayInstall ? await provideDockerd() : 'not asked for';

describe.skipIf(missing !== undefined)('a Docker engine of our own', () => {
  it('runs containers of images made here, meets no other engine, and leaves nothing', async () => {
    const daemon = await startDockerDaemon();
    const directory = path.dirname(daemon.socketPath);
    try {
      // Its bridges, addresses and firewall rules are not this machine's.
      const inside = (await processesOf(directory)).find(({ line }) => line.startsWith('dockerd\0'));
      expect(await readlink(`/proc/${inside?.pid}/ns/net`)).not.toBe(await readlink('/proc/self/ns/net'));
      const images = await makeTestImages(`unix://${daemon.socketPath}`, { tag: 'own' });
      const docker = connectDocker(daemon.socketPath);
      for (const [Image, user] of [
        [images.busybox, '0'],
        [images.tools, '0'],
        [images.withGit, '0'],
        [images.nonRoot, '1000'],
      ] as const) {
        const container = await docker.createContainer({ Image, Cmd: ['sh', '-c', `test "$(id -u)" = ${user}`] });
        await container.start();
        expect(await container.wait()).toEqual({ Error: null, StatusCode: 0 });
      }
      const git = await docker.createContainer({ Image: images.withGit, Cmd: ['sh', '-c', 'git init -q /tmp/x'] });
      await git.start();
      expect((await git.wait()).StatusCode).toBe(0);
      await startBusy(daemon.socketPath, images.tools);
    } finally {
      await daemon.stop();
    }
    expect(await tracesOf(directory)).toEqual([]);
  });

  it('ends with its first process, however that ends', async () => {
    const daemon = await startDockerDaemon();
    const directory = path.dirname(daemon.socketPath);
    const images = await makeTestImages(`unix://${daemon.socketPath}`, { tag: 'own' });
    await startBusy(daemon.socketPath, images.tools);
    const processes = await processesOf(directory);
    const first = processes.find(({ line }) => line.startsWith('unshare\0'));
    process.kill(first?.pid ?? 0, 'SIGKILL');
    await eventually(async () => !(await pingDocker(daemon.socketPath)));
    await daemon.stop();
    await eventually(async () => (await tracesOf(directory)).length === 0);
  });
});

describe('the engine for tests', () => {
  it('is told in one line when it is missing', async () => {
    expect(await dockerForTests({ DOCKER_HOST: 'tcp://far:2376' })).toEqual({
      missing: 'tests need Docker at a unix socket, not at tcp://far:2376',
    });
    expect(await dockerForTests({ DOCKER_HOST: 'unix:///nonexistent.sock' })).toEqual({
      missing: 'Docker does not answer at DOCKER_HOST=unix:///nonexistent.sock',
    });
  });
});

/** So long that no other run of these tests sleeps the same: its processes are not ours. */
const busyFor = String(randomInt(100_000, 10_000_000));

async function startBusy(socketPath: string, Image: string): Promise<void> {
  const busy = await connectDocker(socketPath).createContainer({
    Image,
    Cmd: ['sleep', busyFor],
    HostConfig: { Init: true },
  });
  await busy.start();
}

async function processesOf(directory: string): Promise<{ pid: number; line: string }[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number);
  const processes = await Promise.all(
    pids.map(async (pid) => ({ pid, line: await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '') })),
  );
  return processes.filter(
    ({ line }) => line.includes(path.basename(directory)) || line.includes(`sleep\0${busyFor}\0`),
  );
}

async function tracesOf(directory: string): Promise<string[]> {
  const name = path.basename(directory);
  const traces = (await processesOf(directory)).map(({ pid, line }) => `process ${pid}: ${line}`);
  for (const group of ['', ...(await readdir('/sys/fs/cgroup').catch(() => []))]) {
    if (await isThere(path.join('/sys/fs/cgroup', group, name))) traces.push(`control group ${group}`);
  }
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  traces.push(...mounts.filter((line) => line.includes(name)));
  if (await isThere(directory)) traces.push(directory);
  return traces;
}

async function isThere(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  );
}
