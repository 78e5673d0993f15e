import { randomBytes, randomUUID } from 'node:crypto';
import { access, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLogger } from '@solstice/common/telemetry';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readProcess } from '../../processes/proc.js';
import type { Backend, WorkerSpec } from '../backend.js';
import { describeBackendContract } from '../testing/backend-contract.js';
import { type StandInSession, StandInSessions, standInRunnerBundle } from '../testing/stand-in-sessions.js';
import { createProcessBackend } from './process-backend.js';
import { findWorkerProcesses } from './worker-processes.js';

const logger = createLogger({ level: 'silent' });
const signal = new AbortController().signal;

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

async function tracesIn(directory: string, workerId: string): Promise<string[]> {
  const worker = path.join(directory, workerId);
  const processes = await findWorkerProcesses(worker);
  return [...((await exists(worker)) ? [worker] : []), ...processes.map(({ pid }) => `process ${pid}`)];
}

function specOf(sessions: StandInSessions, overrides: Partial<WorkerSpec>): WorkerSpec {
  return {
    workerId: randomUUID(),
    attemptId: 'run/job/1',
    hostId: 'alder',
    epoch: 1,
    token: randomBytes(32),
    sessionDirectory: sessions.directory,
    mirrorDirectory: '/mirrors/one.git',
    image: undefined,
    cpus: 1,
    memoryBytes: 256 * 1024 * 1024,
    ...overrides,
  };
}

describeBackendContract('process', async () => {
  const sessions = await StandInSessions.listen();
  const directory = await mkdtemp(path.join(tmpdir(), 'solstice-workers-'));
  const open = (): Backend =>
    createProcessBackend({ directory, hostId: 'alder', runnerBundle: standInRunnerBundle, logger });
  return {
    backend: open(),
    reopen: open,
    spec: (overrides) => specOf(sessions, overrides),
    started: async (workerId) => {
      await sessions.session(workerId);
    },
    end: async (workerId, code) => (await sessions.session(workerId)).send({ do: 'exit', code }),
    traces: (workerId) => tracesIn(directory, workerId),
    close: async () => {
      await sessions.close();
      await rm(directory, { recursive: true });
    },
  };
});

describe('the process backend', () => {
  let sessions: StandInSessions;
  let directory: string;
  let backend: Backend;

  beforeEach(async () => {
    sessions = await StandInSessions.listen();
    directory = await realpath(await mkdtemp(path.join(tmpdir(), 'solstice-workers-')));
    backend = createProcessBackend({ directory, hostId: 'alder', runnerBundle: standInRunnerBundle, logger });
  });
  afterEach(async () => {
    for (const worker of await backend.list()) await worker.destroy();
    await sessions.close();
    await rm(directory, { recursive: true, force: true });
  });

  const start = async (overrides: Partial<WorkerSpec> = {}) => {
    const spec = specOf(sessions, overrides);
    const worker = await backend.provision(spec, signal);
    const session: StandInSession = await sessions.session(spec.workerId);
    return { spec, worker, session };
  };

  it('gives the runner its boot file and nothing of its own environment', async () => {
    const { spec, session, worker } = await start();
    const home = path.join(directory, spec.workerId, 'home');
    expect(session.hello.token).toBe(Buffer.from(spec.token).toString('base64'));
    expect(Object.keys(session.hello.env).sort()).toEqual(['CI_WORKER_DIRECTORY', 'HOME', 'LANG', 'PATH']);
    expect(session.hello.env.HOME).toBe(home);
    expect(session.hello.canWrite).toEqual([true, true]);
    expect(worker.mirrorPath).toBe(spec.mirrorDirectory);
  });

  it('starts the runner in a session of its own, so that it outlives its parent', async () => {
    const { session } = await start();
    expect((await readProcess(session.hello.pid))?.sessionId).toBe(session.hello.pid);
  });

  it('tells signal and last output of a runner that was killed', async () => {
    const { worker, session } = await start();
    session.send({ do: 'kill' });
    expect(await worker.wait()).toEqual({
      kind: 'exited',
      exitCode: undefined,
      signal: 'SIGKILL',
      outOfMemory: false,
      lastOutput: 'stand-in runner started',
    });
  });

  it('kills what left the group, the session and its parent, also without the environment', async () => {
    const { spec, worker, session } = await start();
    const loop = ['-c', 'trap "" TERM HUP INT; while :; do sleep 1000; done'];
    const detached = await session.ask<{ spawned: number }>({
      do: 'spawn',
      command: '/bin/sh',
      args: loop,
      detached: true,
    });
    const plain = await session.ask<{ spawned: number }>({ do: 'spawn', command: '/bin/sh', args: loop, env: {} });
    // Its parent ends at once: an orphan in a new session.
    const orphan = { command: '/bin/sh', args: ['-c', 'setsid sleep 1001 >/dev/null 2>&1 & echo $!'] };
    const left = await session.ask<{ output: string }>({ do: 'run', ...orphan });
    const bare = { command: '/bin/sh', args: ['-c', 'cd work; setsid env -i sleep 1002 >/dev/null 2>&1 & echo $!'] };
    const emptied = await session.ask<{ output: string }>({ do: 'run', ...bare });
    session.send({ do: 'kill' });
    await worker.wait();

    const found = await findWorkerProcesses(path.join(directory, spec.workerId));
    expect(found.map(({ pid }) => pid)).toEqual(
      expect.arrayContaining([detached.spawned, plain.spawned, Number(left.output), Number(emptied.output)]),
    );
    await worker.destroy();
    for (const { pid, startTicks } of found) {
      const now = await readProcess(pid);
      expect(now === undefined || now.state === 'Z' || now.startTicks !== startTicks).toBe(true);
    }
    expect(await tracesIn(directory, spec.workerId)).toEqual([]);
  });

  it('wins against a worker that makes new processes all the time', async () => {
    const { spec, worker, session } = await start();
    const breeder = 'while :; do setsid sh -c "sleep 30" & sleep 0.005; done';
    await session.ask({ do: 'spawn', command: '/bin/sh', args: ['-c', breeder], detached: true });
    await worker.destroy();
    expect(await tracesIn(directory, spec.workerId)).toEqual([]);
  });

  it('removes directories that a step made read-only', async () => {
    const { spec, worker, session } = await start();
    await session.ask({ do: 'lockedDirectory', path: path.join(directory, spec.workerId, 'work', 'locked') });
    await worker.destroy();
    expect(await exists(path.join(directory, spec.workerId))).toBe(false);
  });

  it('does not take another process for its runner because it has the same pid', async () => {
    const { spec, worker, session } = await start();
    session.send({ do: 'exit', code: 0 });
    await worker.wait();
    const state = path.join(directory, spec.workerId, 'worker.json');
    const runner = { pid: process.pid, startTicks: '1', bootId: 'another boot' };
    await writeFile(state, JSON.stringify({ ...spec, token: undefined, runner }));
    const next = createProcessBackend({ directory, hostId: 'alder', runnerBundle: standInRunnerBundle, logger });
    const [adopted] = await next.list();
    expect(await adopted?.wait()).toMatchObject({ kind: 'exited', exitCode: undefined });
    await adopted?.destroy();
    expect(await readProcess(process.pid)).toBeDefined();
  });

  it('lists and takes away what a killed process left half made', async () => {
    await mkdir(path.join(directory, 'half-made', 'work'), { recursive: true });
    await writeFile(path.join(directory, 'half-made', 'worker.json'), '{"workerId":');
    const [half] = await backend.list();
    expect(half?.id).toBe('half-made');
    expect(await half?.wait()).toEqual({ kind: 'gone' });
    const { worker } = await start({ workerId: 'half-made' });
    await worker.destroy();
    expect(await backend.list()).toEqual([]);
  });

  it('says what is missing', async () => {
    const broken = createProcessBackend({ directory, hostId: 'alder', runnerBundle: '/no/runner.cjs', logger });
    expect(await broken.problems()).toEqual(['the runner bundle is not there: /no/runner.cjs']);
    const noNode = createProcessBackend({
      directory,
      hostId: 'alder',
      runnerBundle: standInRunnerBundle,
      nodePath: '/no/node',
      logger,
    });
    await expect(noNode.provision(specOf(sessions, {}), signal)).rejects.toMatchObject({ code: 'worker-failed' });
    const tooLong = specOf(sessions, { sessionDirectory: `/${'x'.repeat(100)}` });
    await expect(backend.provision(tooLong, signal)).rejects.toThrow('longer than 107 bytes');
    expect(await backend.list()).toEqual([]);
  });
});
