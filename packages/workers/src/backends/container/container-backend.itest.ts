import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLogger } from '@solstice/common/telemetry';
import { dockerForTests, makeTestImages, type TestImages } from '@solstice/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Backend, WorkerSpec } from '../backend.js';
import { describeBackendContract } from '../testing/backend-contract.js';
import { Detour } from '../testing/detour.js';
import { type StandInCommand, StandInSessions, standInRunnerBundle } from '../testing/stand-in-sessions.js';
import { createContainerBackend } from './container-backend.js';
import { LABELS, nameOf } from './container-names.js';
import { connectDocker } from './docker-connection.js';
import { ImageRoot, importImage } from './host-image.js';
import { createRunnerMount } from './runner-mount.js';
import { createNetwork } from './worker-network.js';

const logger = createLogger({ level: 'silent' });
const signal = new AbortController().signal;
const hostId = `alder-${process.pid}`;
const engine = await dockerForTests();

describe.skipIf('missing' in engine)('with a Docker engine', () => {
  const dockerHost = 'missing' in engine ? undefined : engine.dockerHost;
  const docker = connectDocker(dockerHost);
  let images: TestImages;
  let sessions: StandInSessions;
  let directory: string;
  let mirror: string;
  let volumesBefore: number;

  beforeAll(async () => {
    images = await makeTestImages(dockerHost ?? '', { tag: `workers-${process.pid}` });
    sessions = await StandInSessions.listen();
    directory = await mkdtemp(path.join(tmpdir(), 'solstice-runner-'));
    mirror = path.join(directory, 'mirror.git');
    await mkdir(mirror);
    await writeFile(path.join(mirror, 'HEAD'), 'ref: refs/heads/main\n');
    volumesBefore = (await docker.listVolumes()).Volumes.length;
  });
  afterAll(async () => {
    expect((await docker.listVolumes()).Volumes.length).toBe(volumesBefore);
    await sessions?.close();
    await images?.remove();
    await rm(directory, { recursive: true, force: true });
    if (!('missing' in engine)) await engine.stop();
  });

  const open = (): Backend =>
    createContainerBackend({
      docker,
      hostId,
      runnerMount: createRunnerMount({ directory, runnerBundle: standInRunnerBundle }),
      logger,
    });
  const specOf = (overrides: Partial<WorkerSpec> = {}): WorkerSpec => ({
    workerId: randomUUID(),
    attemptId: 'run/job/1',
    hostId,
    epoch: 7,
    token: randomBytes(32),
    sessionDirectory: sessions.directory,
    mirrorDirectory: mirror,
    image: images.busybox,
    cpus: 1,
    memoryBytes: 512 * 1024 * 1024,
    ...overrides,
  });
  const traces = async (workerId: string): Promise<string[]> => {
    const filters = JSON.stringify({ label: [`${LABELS.worker}=${workerId}`] });
    const containers = await docker.listContainers({ all: true, filters });
    const networks = await docker.listNetworks({ filters });
    return [...containers.map(({ Id }) => `container ${Id}`), ...networks.map(({ Id }) => `network ${Id}`)];
  };

  describeBackendContract('container', async () => ({
    backend: open(),
    reopen: open,
    spec: specOf,
    started: async (workerId) => {
      await sessions.session(workerId);
    },
    end: async (workerId, code) => (await sessions.session(workerId)).send({ do: 'exit', code }),
    traces,
    close: async () => undefined,
  }));

  describe('the container backend', () => {
    let backend: Backend;
    beforeAll(() => {
      backend = open();
    });
    afterEach(async () => {
      for (const worker of await backend.list()) await worker.destroy();
      expect(await backend.list()).toEqual([]);
    });
    const start = async (overrides: Partial<WorkerSpec> = {}) => {
      const spec = specOf(overrides);
      const worker = await backend.provision(spec, signal);
      const ended = worker.wait().then((exit) => Promise.reject(new Error(JSON.stringify(exit))));
      ended.catch(() => undefined);
      return { spec, worker, session: await Promise.race([sessions.session(spec.workerId), ended]) };
    };
    const sh = (script: string): StandInCommand => ({ do: 'run', command: '/bin/sh', args: ['-c', script] });

    it.each(['busybox', 'tools', 'withGit', 'nonRoot'] as const)('runs the runner in image %s', async (name) => {
      const { spec, worker, session } = await start({ image: images[name] });
      expect(session.hello.token).toBe(Buffer.from(spec.token).toString('base64'));
      expect(session.hello.cwd).toBe('/workspace');
      expect(session.hello.uid).toBe(name === 'nonRoot' ? 1000 : 0);
      expect(session.hello.canWrite).toEqual([true, true]);
      expect(session.hello.env.PATH).toMatch(/\/bin$/);
      expect(worker.mirrorPath).toBe('/solstice/source.git');
      expect(await session.ask({ do: 'read', path: '/solstice/source.git/HEAD' })).toEqual({
        read: 'ref: refs/heads/main\n',
      });
      expect(await session.ask(sh('echo hello'))).toEqual({ exitCode: 0, output: 'hello\n' });
    });

    it('gives mirror, session and runner for reading only', async () => {
      const { session } = await start();
      for (const where of ['/solstice/source.git', '/solstice/session', '/solstice/runner']) {
        expect(await session.ask({ do: 'write', path: `${where}/x` })).toEqual({ wrote: 'EROFS' });
      }
    });

    it('shows its labels and limits to the engine, and no secret', async () => {
      const { spec } = await start();
      const seen = await docker.getContainer(nameOf(spec.workerId)).inspect();
      expect(seen.Config.Labels).toMatchObject({
        'solstice.host': hostId,
        'solstice.worker': spec.workerId,
        'solstice.attempt': 'run/job/1',
        'solstice.epoch': '7',
      });
      expect(seen.HostConfig).toMatchObject({
        Init: true,
        Memory: spec.memoryBytes,
        MemorySwap: spec.memoryBytes,
        NanoCpus: 1e9,
        SecurityOpt: ['no-new-privileges'],
        RestartPolicy: { Name: 'no' },
      });
      const token = Buffer.from(spec.token);
      for (const encoding of ['base64', 'hex', 'latin1'] as const) {
        expect(JSON.stringify(seen)).not.toContain(token.toString(encoding));
      }
      const network = await docker.getNetwork(nameOf(spec.workerId)).inspect();
      expect(network.Labels).toMatchObject({ 'solstice.host': hostId, 'solstice.epoch': '7' });
    });

    it('drops capabilities and gives no way to more', async () => {
      const { session } = await start({ image: images.tools });
      const { output } = await session.ask<{ output: string }>(sh('cat /proc/self/status'));
      const bounding = BigInt(`0x${/CapBnd:\s*([0-9a-f]+)/.exec(output)?.[1]}`);
      const has = (bit: bigint): boolean => ((bounding >> bit) & 1n) === 1n;
      const [chown, netRaw, sysChroot, sysAdmin, mknod] = [0n, 13n, 18n, 21n, 27n].map(has);
      expect({ chown, netRaw, sysChroot, sysAdmin, mknod }).toEqual({
        chown: true,
        netRaw: false,
        sysChroot: false,
        sysAdmin: false,
        mknod: false,
      });
      expect(output).toMatch(/NoNewPrivs:\s*1/);
    });

    it('tells an out-of-memory kill as such', async () => {
      const { worker, session } = await start({ memoryBytes: 128 * 1024 * 1024 });
      session.send({ do: 'eatMemory' });
      expect(await worker.wait()).toMatchObject({ kind: 'exited', exitCode: 137, outOfMemory: true });
    });

    it('shows the last lines of a runner that ends badly', async () => {
      const { worker, session } = await start();
      session.send({ do: 'exit', code: 70 });
      expect(await worker.wait()).toEqual({
        kind: 'exited',
        exitCode: 70,
        signal: undefined,
        outOfMemory: false,
        lastOutput: 'stand-in runner started\nstand-in runner is told to exit',
      });
    });

    it('waits on over a lost connection to the engine', async () => {
      const detour = await Detour.to(docker.socketPath, path.join(directory, 'detour.sock'));
      try {
        const far = createContainerBackend({
          docker: connectDocker(detour.socketPath),
          hostId,
          runnerMount: createRunnerMount({ directory, runnerBundle: standInRunnerBundle }),
          logger,
        });
        const { spec, session } = await start();
        const waiting = (await far.list()).find(({ id }) => id === spec.workerId)?.wait();
        await detour.untilAsked(/POST \/containers\/.*\/wait/);
        await detour.close();
        session.send({ do: 'exit', code: 4 });
        await detour.open();
        expect(await waiting).toMatchObject({ kind: 'exited', exitCode: 4 });
      } finally {
        await detour.close();
      }
    });

    it('gives each worker a network that the others do not see', async () => {
      const [one, other] = await Promise.all([start({ image: images.busybox }), start({ image: images.busybox })]);
      const address = await docker.getContainer(nameOf(one.spec.workerId)).inspect();
      const [network] = Object.values(address.NetworkSettings.Networks);
      const ping = `ping -c 1 -W 1 ${network?.IPAddress} >/dev/null 2>&1; echo $?`;
      await one.session.ask({ do: 'spawn', command: '/bin/sh', args: ['-c', 'nc -l -p 8000 </dev/null'] });
      const reached = await other.session.ask<{ output: string }>(
        sh(`nc -w 1 ${network?.IPAddress} 8000 </dev/null >/dev/null 2>&1; echo $?; ${ping}`),
      );
      expect(reached.output).toBe('1\n1\n');
    });

    it('makes a worker anew that was never started, and takes a network without container away', async () => {
      const spec = specOf();
      await createNetwork(docker, spec);
      expect((await backend.list()).map(({ id }) => id)).toEqual([spec.workerId]);
      const [half] = await backend.list();
      expect(await half?.wait()).toEqual({ kind: 'gone' });
      await half?.destroy();
      expect(await traces(spec.workerId)).toEqual([]);

      await docker.createContainer({
        name: nameOf(spec.workerId),
        Image: images.busybox,
        Cmd: ['true'],
        Labels: { [LABELS.host]: hostId, [LABELS.worker]: spec.workerId },
      });
      await backend.provision(spec, signal);
      await sessions.session(spec.workerId);
    });

    it('touches nothing that is not this host’s', async () => {
      const spec = specOf();
      const foreign = await docker.createContainer({
        name: nameOf(spec.workerId),
        Image: images.busybox,
        Cmd: ['true'],
      });
      try {
        await expect(backend.provision(spec, signal)).rejects.toMatchObject({ code: 'worker-failed' });
        expect(await backend.list()).toEqual([]);
        expect((await foreign.inspect()).State.Status).toBe('created');
      } finally {
        await foreign.remove();
      }
    });

    it('says in the engine’s own words why an image is not to be had', async () => {
      const spec = specOf({ image: 'localhost:1/no/such-image:1' });
      await expect(backend.provision(spec, signal)).rejects.toMatchObject({
        code: 'image-unavailable',
        message: expect.stringMatching(/refused|unreachable|not found/),
      });
      await expect(backend.provision(specOf({ image: undefined }), signal)).rejects.toMatchObject({
        code: 'image-unavailable',
      });
      await expect(backend.provision(specOf({ image: '../containers/json?' }), signal)).rejects.toThrow(
        'not the name of an image',
      );
      expect(await traces(spec.workerId)).toEqual([]);
    });

    it('leaves nothing when the container cannot be started', async () => {
      const spec = specOf({ cpus: 100_000 });
      await expect(backend.provision(spec, signal)).rejects.toMatchObject({
        code: 'host-full',
        message: expect.stringMatching(/range of CPUs/i),
      });
      const noMirror = specOf({ mirrorDirectory: '/no/such/mirror' });
      await expect(backend.provision(noMirror, signal)).rejects.toThrow('/no/such/mirror');
      expect([...(await traces(spec.workerId)), ...(await traces(noMirror.workerId))]).toEqual([]);
    });

    it('removes anonymous volumes of the image', async () => {
      const root = new ImageRoot();
      await root.addTool('sh');
      const tag = `solstice-test/volume:workers-${process.pid}`;
      await importImage(docker, tag, root, ['VOLUME /data', 'ENTRYPOINT ["/bin/false"]']);
      try {
        const { worker } = await start({ image: tag });
        expect((await docker.listVolumes()).Volumes.length).toBe(volumesBefore + 1);
        await worker.destroy();
        expect((await docker.listVolumes()).Volumes.length).toBe(volumesBefore);
      } finally {
        await docker.getImage(tag).remove();
      }
    });
  });
});

describe('the container backend without an engine', () => {
  const problemsAt = (dockerHost: string) =>
    createContainerBackend({
      docker: connectDocker(dockerHost),
      hostId,
      runnerMount: createRunnerMount({ directory: '/nonexistent', runnerBundle: standInRunnerBundle }),
      logger,
    }).problems();

  it('says what is missing', async () => {
    expect(await problemsAt('/nonexistent/docker.sock')).toEqual([
      expect.stringMatching(/^Docker does not answer at \/nonexistent\/docker.sock: connect ENOENT/),
    ]);
    expect(await problemsAt('tcp://build-box:2376')).toEqual([
      "Docker at tcp://build-box:2376 is not available yet: Solstice needs a Docker engine on this machine's unix socket",
    ]);
  });
});
