import { mkdir, open, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ProcessIdentity } from '../../processes/process-identity.js';
import type { WorkerSpec } from '../backend.js';
import { bootFile } from '../boot-file.js';
import { lastLines } from '../last-lines.js';

/** What `worker.json` says; written before the runner starts, and again with its process. */
export interface WorkerState {
  workerId: string;
  attemptId: string;
  hostId: string;
  epoch: number;
  mirrorDirectory: string | undefined;
  /** Undefined: the runner was not started, or its starter died in between. */
  runner: ProcessIdentity | undefined;
}

const LAST_OUTPUT_BYTES = 4096;
const LAST_OUTPUT_LINES = 20;

/** `<workers>/<workerId>/`: all that a worker of the process backend has on disk. */
export class WorkerDirectory {
  readonly path: string;

  constructor(workersDirectory: string, workerId: string) {
    this.path = path.join(workersDirectory, workerId);
  }

  get bootFile(): string {
    return path.join(this.path, 'boot.json');
  }
  get home(): string {
    return path.join(this.path, 'home');
  }
  get work(): string {
    return path.join(this.path, 'work');
  }
  /** What the runner itself printed; its steps' output goes over the session. */
  get output(): string {
    return path.join(this.path, 'output.log');
  }
  get #spool(): string {
    return path.join(this.path, 'spool');
  }
  get #state(): string {
    return path.join(this.path, 'worker.json');
  }

  async create(spec: WorkerSpec): Promise<void> {
    const boot = bootFile(spec, {
      sessionDirectory: spec.sessionDirectory,
      workDirectory: this.work,
      spoolDirectory: this.#spool,
    });
    await mkdir(this.path, { recursive: true, mode: 0o700 });
    await Promise.all([this.work, this.home, this.#spool].map((directory) => mkdir(directory, { recursive: true })));
    await this.writeState({
      workerId: spec.workerId,
      attemptId: spec.attemptId,
      hostId: spec.hostId,
      epoch: spec.epoch,
      mirrorDirectory: spec.mirrorDirectory,
      runner: undefined,
    });
    await writeFile(this.bootFile, JSON.stringify(boot), { mode: 0o600 });
  }

  async writeState(state: WorkerState): Promise<void> {
    const fresh = `${this.#state}.new`;
    await writeFile(fresh, `${JSON.stringify(state)}\n`);
    await rename(fresh, this.#state);
  }

  /** Undefined: no directory, or one whose making was cut short before the file was whole. */
  async readState(): Promise<WorkerState | undefined> {
    try {
      return JSON.parse(await readFile(this.#state, 'utf8')) as WorkerState;
    } catch {
      return undefined;
    }
  }

  /** The end of what the runner printed, at most 20 lines; empty when there is none. */
  async lastOutput(): Promise<string> {
    const file = await open(this.output).catch(() => undefined);
    if (file === undefined) return '';
    try {
      const { size } = await file.stat();
      const length = Math.min(size, LAST_OUTPUT_BYTES);
      const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
      return lastLines(buffer.toString('utf8'), LAST_OUTPUT_LINES);
    } finally {
      await file.close();
    }
  }
}
