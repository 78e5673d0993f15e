import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { createLogger } from '@solstice/common/telemetry';
import { dockerForTests, makeTestImages, type TestImages } from '@solstice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WorkerSpec } from './backend.js';
import { createContainerBackend } from './container/container-backend.js';
import { connectDocker } from './container/docker-connection.js';
import { createRunnerMount } from './container/runner-mount.js';
import { createProcessBackend } from './process/process-backend.js';
import { Detour } from './testing/detour.js';
import { standInRunnerBundle } from './testing/stand-in-sessions.js';

// What a workflow may tell apart: no image, no capacity, nobody there who makes workers.

const run = promisify(execFile);
const logger = createLogger({ level: 'silent' });
const never = new AbortController().signal;
const hostId = `cedar-${process.pid}`;
const engine = await dockerForTests();
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'solstice-kinds-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
  if (!('missing' in engine)) await engine.stop();
});

const specOf = (more: Partial<WorkerSpec> = {}): WorkerSpec => ({
  workerId: randomUUID(),
  attemptId: 'run/job/1',
  hostId,
  epoch: 1,
  token: randomBytes(32),
  sessionDirectory: directory,
  mirrorDirectory: undefined,
  image: undefined,
  cpus: 1,
  memoryBytes: 256 * 1024 * 1024,
  ...more,
});
const containersAt = (dockerHost: string | undefined) =>
  createContainerBackend({
    docker: connectDocker(dockerHost),
    hostId,
    runnerMount: createRunnerMount({ directory, runnerBundle: standInRunnerBundle }),
    logger,
  });

it('no engine at the socket is nobody there', async () => {
  const nowhere = path.join(directory, 'docker.sock');
  const spec = specOf({ image: 'debian:12' });
  await expect(containersAt(nowhere).provision(spec, never)).rejects.toMatchObject({
    code: 'backend-unavailable',
    retryable: true,
    message: expect.stringContaining('ENOENT'),
  });
});

describe.skipIf('missing' in engine)('with a Docker engine', () => {
  const dockerHost = 'missing' in engine ? undefined : engine.dockerHost;
  let images: TestImages;
  beforeAll(async () => {
    images = await makeTestImages(dockerHost ?? '', { tag: `kinds-${process.pid}` });
  });
  afterAll(async () => {
    await images?.remove();
  });

  it('one that stops answering is nobody there', async () => {
    const detour = await Detour.to(connectDocker(dockerHost).socketPath, path.join(directory, 'detour.sock'));
    const backend = containersAt(detour.socketPath);
    expect(await backend.problems()).toEqual([]);
    await detour.close();
    await expect(backend.provision(specOf({ image: images.busybox }), never)).rejects.toMatchObject({
      code: 'backend-unavailable',
    });
  });

  it('an image that nobody has is no image', async () => {
    await expect(
      containersAt(dockerHost).provision(specOf({ image: 'localhost:1/no/such:1' }), never),
    ).rejects.toMatchObject({ code: 'image-unavailable', retryable: false });
  });

  it('more cpus than the machine has are no capacity', async () => {
    const spec = specOf({ image: images.busybox, cpus: 100_000 });
    await expect(containersAt(dockerHost).provision(spec, never)).rejects.toMatchObject({
      code: 'host-full',
      retryable: true,
    });
    expect(await containersAt(dockerHost).list()).toEqual([]);
  });
});

describe.skipIf(process.getuid?.() !== 0)('with a disk of its own', () => {
  let disk: string;
  beforeAll(async () => {
    disk = path.join(directory, 'disk');
    await mkdir(disk);
    await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]);
  });
  afterAll(async () => {
    await run('umount', [disk]);
  });

  it('one that is full is no capacity, for processes', async () => {
    await mkdir(path.join(disk, 'workers'));
    await writeFile(path.join(disk, 'full'), Buffer.alloc(64 * 1024)).catch(() => undefined);
    const backend = createProcessBackend({
      directory: path.join(disk, 'workers'),
      hostId,
      runnerBundle: standInRunnerBundle,
      logger,
    });
    await expect(backend.provision(specOf(), never)).rejects.toMatchObject({
      code: 'host-full',
      retryable: true,
      message: expect.stringContaining('ENOSPC'),
    });
    expect(await backend.list()).toEqual([]);
  });

  it('services are nothing for processes, and no retry helps', async () => {
    const services = [{ name: 'db', image: 'postgres:16', env: {} }];
    const backend = createProcessBackend({
      directory: path.join(directory, 'workers'),
      hostId,
      runnerBundle: standInRunnerBundle,
      logger,
    });
    await expect(backend.provision(specOf({ services }), never)).rejects.toMatchObject({
      code: 'worker-failed',
      retryable: false,
      message: expect.stringContaining('services need containers: db'),
    });
  });
});
