import { access, mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { SolsticeError, toError } from '@solstice/common/errors';
import type { Logger } from '@solstice/common/telemetry';
import type { Backend, Worker, WorkerExit, WorkerSpec } from '../backend.js';
import { checkWorkerId, isWorkerId } from '../boot-file.js';
import { WorkerLanes } from '../worker-lanes.js';
import { removeTree } from './remove-tree.js';
import { startRunner, waitForAdopted } from './runner-process.js';
import { WorkerDirectory, type WorkerState } from './worker-directory.js';
import { killWorkerProcesses } from './worker-processes.js';

export interface ProcessBackendSettings {
  /** `<data>/host/workers`; a directory a worker is made in it. */
  directory: string;
  hostId: string;
  /** The runner as one CommonJS file. */
  runnerBundle: string;
  /** Default: the Node.js that runs this. */
  nodePath?: string;
  logger: Logger;
}

/**
 * A worker is a process group with a directory of its own: same protocol as in a container, no isolation. For
 * trusted development and for single-node use without Docker. `image`, `cpus` and `memoryBytes` of the specification
 * don't apply here.
 */
export function createProcessBackend(settings: ProcessBackendSettings): Backend {
  return new ProcessBackend(settings);
}

const NO_SERVICES = { ended: true, detail: 'needs a container, and there are none here', output: [] };

/** Such a job is not given to a pool of processes; asked for all the same, it must not run without what it needs. */
function checkServices({ services = [] }: WorkerSpec): void {
  if (services.length === 0) return;
  const names = services.map(({ name }) => name).join(', ');
  throw new SolsticeError('worker-failed', `this pool runs processes, and services need containers: ${names}`, {
    hint: 'Name a pool with backend="container" in runs_on.',
    retryable: false,
  });
}

class ProcessBackend implements Backend {
  readonly kind = 'process';
  readonly #settings: ProcessBackendSettings;
  readonly #nodePath: string;
  readonly #lanes: WorkerLanes;
  /** Exits of the runners that this very process started: only their parent is told exit code and signal. */
  readonly #exits = new Map<string, Promise<WorkerExit>>();

  constructor(settings: ProcessBackendSettings) {
    this.#settings = { ...settings, directory: path.resolve(settings.directory) };
    this.#nodePath = settings.nodePath ?? process.execPath;
    this.#lanes = new WorkerLanes(settings.logger);
  }

  async problems(): Promise<string[]> {
    const problems: string[] = [];
    if (process.platform !== 'linux') problems.push('the process backend needs Linux and its /proc');
    await access(this.#settings.runnerBundle).catch(() => {
      problems.push(`the runner bundle is not there: ${this.#settings.runnerBundle}`);
    });
    await mkdir(this.#settings.directory, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      problems.push(`the workers' directory can't be made: ${toError(error).message}`);
    });
    return problems;
  }

  async provision(spec: WorkerSpec, signal: AbortSignal): Promise<Worker> {
    checkWorkerId(spec.workerId);
    checkServices(spec);
    const directory = new WorkerDirectory(this.#settings.directory, spec.workerId);
    return await this.#lanes.provision(spec.workerId, signal, {
      find: async () => {
        const state = await directory.readState();
        // Without a process it was cut short before its runner started: taken away and made anew.
        return state?.runner === undefined ? undefined : this.#worker(spec.workerId, state);
      },
      make: () => this.#make(spec, directory),
      undo: () => this.#remove(spec.workerId, directory),
    });
  }

  async list(): Promise<Worker[]> {
    const entries = await readdir(this.#settings.directory, { withFileTypes: true }).catch(() => []);
    const ids = entries.filter((entry) => entry.isDirectory() && isWorkerId(entry.name)).map(({ name }) => name);
    return await Promise.all(
      ids.map(async (id) => this.#worker(id, await new WorkerDirectory(this.#settings.directory, id).readState())),
    );
  }

  async #make(spec: WorkerSpec, directory: WorkerDirectory): Promise<Worker> {
    await this.#remove(spec.workerId, directory);
    await access(this.#settings.runnerBundle).catch((cause: unknown) => {
      throw new SolsticeError('worker-failed', `the runner bundle is not there: ${this.#settings.runnerBundle}`, {
        cause,
        hint: 'Build it: npm run setup.',
      });
    });
    await directory.create(spec);
    const command = { nodePath: this.#nodePath, runnerBundle: this.#settings.runnerBundle };
    const runner = await startRunner(command, directory);
    this.#exits.set(spec.workerId, runner.exit);
    const state: WorkerState = {
      workerId: spec.workerId,
      attemptId: spec.attemptId,
      hostId: spec.hostId,
      epoch: spec.epoch,
      mirrorDirectory: spec.mirrorDirectory,
      runner: runner.identity,
    };
    await directory.writeState(state);
    this.#settings.logger.debug({ workerId: spec.workerId, pid: runner.identity.pid }, 'worker process started');
    return this.#worker(spec.workerId, state);
  }

  #worker(id: string, state: WorkerState | undefined): Worker {
    const directory = new WorkerDirectory(this.#settings.directory, id);
    const ownExit = this.#exits.get(id);
    return {
      id,
      mirrorPath: state?.mirrorDirectory,
      wait: () => ownExit ?? this.#waitForAdopted(directory),
      watchServices: ([service], events) => {
        if (service !== undefined) events.onFailed({ name: service.name, ...NO_SERVICES });
      },
      destroy: () => this.#lanes.destroy(id, () => this.#remove(id, directory)),
    };
  }

  async #waitForAdopted(directory: WorkerDirectory): Promise<WorkerExit> {
    const state = await directory.readState();
    if (state?.runner === undefined) return { kind: 'gone' };
    return await waitForAdopted(state.runner, directory);
  }

  async #remove(id: string, directory: WorkerDirectory): Promise<void> {
    await killWorkerProcesses(directory.path);
    await removeTree(directory.path);
    // Kept until here: a destroy that failed is called again, and waiters still want the exit code.
    this.#exits.delete(id);
  }
}
