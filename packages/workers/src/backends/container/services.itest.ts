import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { globalAgent } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ResolvedService } from '@solstice/common/flow';
import { createLogger } from '@solstice/common/telemetry';
import { dockerForTests, eventually, makeTestImages, type TestImages } from '@solstice/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Backend, ServiceFailure, Worker, WorkerSpec } from '../backend.js';
import { type StandInCommand, StandInSessions, standInRunnerBundle } from '../testing/stand-in-sessions.js';
import { createContainerBackend } from './container-backend.js';
import { LABELS, serviceNameOf } from './container-names.js';
import { connectDocker } from './docker-connection.js';
import { ImageRoot, importImage } from './host-image.js';
import { createRunnerMount } from './runner-mount.js';

const logger = createLogger({ level: 'silent' });
const never = new AbortController().signal;
const hostId = `birch-${process.pid}`;
const engine = await dockerForTests();

/** Answers `pong` on port 7000 once somebody has made the file /up, and says so. */
const SERVER =
  'echo booting as $NAME; until [ -e /up ]; do sleep 0.05; done; echo up; while echo pong | nc -l -p 7000; do :; done';

describe.skipIf('missing' in engine)('the services of a job, in containers', () => {
  const dockerHost = 'missing' in engine ? undefined : engine.dockerHost;
  const docker = connectDocker(dockerHost);
  let images: TestImages;
  let sessions: StandInSessions;
  let directory: string;
  let backend: Backend;
  const made: string[] = [];

  beforeAll(async () => {
    images = await makeTestImages(dockerHost ?? '', { tag: `services-${process.pid}` });
    sessions = await StandInSessions.listen();
    directory = await mkdtemp(path.join(tmpdir(), 'solstice-services-'));
    backend = open();
  });
  afterEach(async () => {
    for (const worker of await backend.list()) await worker.destroy();
    for (const tag of made.splice(0)) await docker.getImage(tag).remove();
  });
  afterAll(async () => {
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
  /** An image whose program is this script. */
  const imageOf = async (script: string): Promise<string> => {
    const tag = `solstice-test/service-${made.length}:services-${process.pid}`;
    const root = new ImageRoot();
    await root.addTool('busybox');
    for (const applet of ['sh', 'nc', 'sleep', 'touch', 'cat', 'true']) root.addLink(`/bin/${applet}`, 'busybox');
    root.addText('/serve', script);
    await importImage(docker, tag, root, ['ENV PATH=/bin', 'CMD ["/bin/sh", "/serve"]']);
    made.push(tag);
    return tag;
  };
  const service = (image: string, more: Partial<ResolvedService> = {}): ResolvedService => ({
    ...{ name: 'db', image, env: { NAME: 'ada' } },
    ...more,
  });
  const start = async (services: readonly ResolvedService[], workerId: string = randomUUID()) => {
    const spec: WorkerSpec = {
      workerId,
      attemptId: 'run/job/1',
      hostId,
      epoch: 1,
      token: randomBytes(32),
      sessionDirectory: sessions.directory,
      mirrorDirectory: undefined,
      image: images.busybox,
      cpus: 1,
      memoryBytes: 256 * 1024 * 1024,
      services,
    };
    const worker = await backend.provision(spec, never);
    return { spec, worker, session: await sessions.session(spec.workerId) };
  };
  const watch = (worker: Worker, services: readonly ResolvedService[], signal = never) => {
    const seen: (ServiceFailure | 'ready')[] = [];
    const events = { onReady: () => seen.push('ready'), onFailed: (failure: ServiceFailure) => seen.push(failure) };
    worker.watchServices(services, events, signal);
    return seen;
  };
  const inService = async (workerId: string, ...Cmd: string[]) => {
    const exec = await docker.getContainer(serviceNameOf(workerId, 'db')).exec({ Cmd, AttachStdout: true });
    const output = await exec.start({ hijack: false, stdin: false });
    for await (const _ of output);
  };
  /** To the engine, that are in use. */
  const connections = (): number => Object.values(globalAgent.sockets).flat().length;
  const sh = (script: string): StandInCommand => ({ do: 'run', command: '/bin/sh', args: ['-c', script] });
  const traces = async (workerId: string): Promise<number> => {
    const filters = JSON.stringify({ label: [`${LABELS.worker}=${workerId}`] });
    const containers = await docker.listContainers({ all: true, filters });
    return containers.length + (await docker.listNetworks({ filters })).length;
  };

  it('are reached by their names once they are ready, and go with the worker', async () => {
    const ready = { command: 'echo pong | nc -w 1 127.0.0.1 7000', intervalMs: 50, withinMs: 60_000 };
    const services = [
      service(await imageOf(SERVER), { ready }),
      service(await imageOf('echo once; while :; do sleep 1; done'), { name: 'cache' }),
    ];
    const { spec, worker, session } = await start(services);
    const over = new AbortController();
    const seen = watch(worker, services, over.signal);
    await inService(spec.workerId, 'true');
    expect(seen).toEqual([]);
    await inService(spec.workerId, 'touch', '/up');
    await eventually(() => seen.length > 0);
    expect(seen).toEqual(['ready']);
    expect(await session.ask(sh('nc -w 5 db 7000 </dev/null'))).toEqual({ exitCode: 0, output: 'pong\n' });
    // One that says nothing of readiness is ready when it runs; and each has an address of its own.
    expect(await session.ask(sh('nslookup cache >/dev/null 2>&1 && echo found'))).toMatchObject({ output: 'found\n' });

    expect(await traces(spec.workerId)).toBe(4);
    expect((await open().list()).map(({ id }) => id)).toEqual([spec.workerId]);
    over.abort();
    await worker.destroy();
    expect(await traces(spec.workerId)).toBe(0);
    expect(seen).toEqual(['ready']);
  });

  it('are seen ready again by the process that takes the worker over', async () => {
    const ready = { command: 'true', intervalMs: 50, withinMs: 60_000 };
    const services = [service(await imageOf('while :; do sleep 1; done'), { ready })];
    const { spec } = await start(services);
    const [adopted] = await open().list();
    expect(adopted?.id).toBe(spec.workerId);
    const seen = adopted && watch(adopted, services);
    await eventually(() => seen?.length === 1);
    expect(seen).toEqual(['ready']);
    await adopted?.destroy();
    expect(await traces(spec.workerId)).toBe(0);
  });

  it('that nobody came to start a runner for are swept with their worker, or made anew', async () => {
    const image = await imageOf(SERVER);
    const services = [service(image)];
    const halfMade = async (workerId: string) => {
      const labels = { [LABELS.host]: hostId, [LABELS.worker]: workerId, [LABELS.service]: 'db' };
      const container = await docker.createContainer({
        name: serviceNameOf(workerId, 'db'),
        Image: image,
        Labels: labels,
      });
      await container.start();
      return container.id;
    };
    const workerId = randomUUID();
    await halfMade(workerId);
    const [left] = await open().list();
    expect(left?.id).toBe(workerId);
    expect(await left?.wait()).toEqual({ kind: 'gone' });
    await left?.destroy();
    expect(await traces(workerId)).toBe(0);

    const again = randomUUID();
    const before = await halfMade(again);
    await start(services, again);
    expect((await docker.getContainer(serviceNameOf(again, 'db')).inspect()).Id).not.toBe(before);
    expect(await traces(again)).toBe(3);
  });

  it('that are not ready in time have failed, with what they and the command said last', async () => {
    const ready = { command: 'echo no socket >&2; exit 2', intervalMs: 50, withinMs: 600 };
    const services = [service(await imageOf(SERVER), { ready })];
    const { worker } = await start(services);
    const seen = watch(worker, services);
    await eventually(() => seen.length > 0);
    expect(seen).toEqual([
      {
        name: 'db',
        ended: false,
        detail: 'was not ready within 600 ms (echo no socket >&2; exit 2: no socket)',
        output: ['booting as ada'],
      },
    ]);
  });

  it('whose command hangs are given up in time, too', async () => {
    const ready = { command: 'sleep 1000', intervalMs: 50, withinMs: 500 };
    const services = [service(await imageOf(SERVER), { ready })];
    const { worker } = await start(services);
    const seen = watch(worker, services);
    await eventually(() => seen.length > 0);
    expect(seen).toMatchObject([{ detail: expect.stringContaining('sleep 1000: it did not come to its end') }]);
  });

  it('that end have failed, before they were ready and after', async () => {
    const ready = { command: 'exit 1', intervalMs: 50, withinMs: 60_000 };
    const early = [service(await imageOf('echo no space left; exit 3'), { ready })];
    const first = await start(early);
    const seen = watch(first.worker, early);
    await eventually(() => seen.length > 0);
    const failure = { name: 'db', ended: true, detail: 'ended with exit code 3', output: ['no space left'] };
    expect(seen).toEqual([failure]);

    const late = [service(await imageOf('until [ -e /up ]; do sleep 0.05; done; echo bye; exit 1'))];
    const second = await start(late);
    const then = watch(second.worker, late);
    await eventually(() => then.length > 0);
    await inService(second.spec.workerId, 'touch', '/up');
    await eventually(() => then.length > 1);
    expect(then).toEqual(['ready', { ...failure, detail: 'ended with exit code 1', output: ['bye'] }]);
  });

  it('that are not ready in time are still seen to end: a job whose steps run hears of nothing else', async () => {
    const image = await imageOf('until [ -e /up ]; do sleep 0.05; done; echo bye; exit 1');
    const ready = { command: 'exit 1', intervalMs: 50, withinMs: 300 };
    const services = [service(image, { ready }), service(image, { name: 'cache', ready })];
    const { spec, worker } = await start(services);
    const seen = watch(worker, services);
    await eventually(() => seen.length > 0);
    await inService(spec.workerId, 'touch', '/up');
    await eventually(() => seen.length > 1);
    await worker.destroy();
    expect(seen).toEqual([
      expect.objectContaining({ ended: false }),
      { name: 'db', ended: true, detail: 'ended with exit code 1', output: ['bye'] },
    ]);
  });

  it('whose command prints without end are given up in time, and nothing of it is read any more', async () => {
    const ready = { command: 'while :; do echo not yet; done', intervalMs: 50, withinMs: 500 };
    const services = [service(await imageOf(SERVER), { ready })];
    const { worker } = await start(services);
    const before = connections();
    const seen = watch(worker, services);
    await eventually(() => seen.length > 0);
    expect(seen).toMatchObject([{ ended: false, detail: expect.stringContaining('it did not come to its end') }]);
    // What is left waits for the end of the service.
    await eventually(() => connections() <= before + 1);

    const over = new AbortController();
    const patient = [{ ...services[0], ready: { ...ready, withinMs: 60_000 } } as ResolvedService];
    watch(worker, patient, over.signal);
    await eventually(() => connections() > before + 2);
    over.abort();
    await eventually(() => connections() <= before + 2);
  });

  it('have a reason that a runner can be told, whatever their command says', async () => {
    const command = 's=xxxxxxxxxx; for i in 1 2 3; do s=$s$s$s$s$s$s$s$s$s$s; done; printf "$s a\\0b"; exit 1';
    const services = [service(await imageOf(SERVER), { ready: { command, intervalMs: 50, withinMs: 400 } })];
    const { worker } = await start(services);
    const seen = watch(worker, services);
    await eventually(() => seen.length > 0);
    const [failure] = seen;
    const detail = typeof failure === 'object' ? failure.detail : '';
    expect(detail).toMatch(/: x{100,} a b\)$/);
    expect(detail.length).toBeLessThan(2_000);
  });

  it('say nothing more once nobody wants to know', async () => {
    const services = [service(await imageOf('until [ -e /up ]; do sleep 0.05; done; exit 1'))];
    const { spec, worker } = await start(services);
    const enough = new AbortController();
    const told = watch(worker, services, enough.signal);
    const other = watch(worker, services);
    await eventually(() => told.length > 0 && other.length > 0);
    enough.abort();
    await inService(spec.workerId, 'touch', '/up');
    await eventually(() => other.length > 1);
    expect(told).toEqual(['ready']);
  });

  it('are held to what the job reserved, and have no way to more', async () => {
    const { spec } = await start([service(await imageOf(SERVER))]);
    const seen = await docker.getContainer(serviceNameOf(spec.workerId, 'db')).inspect();
    expect(seen.HostConfig).toMatchObject({
      Memory: spec.memoryBytes,
      MemorySwap: spec.memoryBytes,
      NanoCpus: 1e9,
      SecurityOpt: ['no-new-privileges'],
      RestartPolicy: { Name: 'no' },
    });
    expect(seen.Config.Labels).toMatchObject({ [LABELS.worker]: spec.workerId, [LABELS.service]: 'db' });
    expect(JSON.stringify(seen)).not.toContain(Buffer.from(spec.token).toString('base64'));
  });

  it('whose image is not to be had keep the worker from being made', async () => {
    const starting = start([service('localhost:1/no/such-service:1')]);
    await expect(starting).rejects.toMatchObject({
      code: 'image-unavailable',
      message: expect.stringContaining('localhost:1/no/such-service:1'),
    });
    expect(await backend.list()).toEqual([]);
  });
});
