import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { OutputStream } from '../spool/record-writer.js';
import { makeOutputPipes } from './output-pipes.js';
import type { ProcessGroups } from './process-groups.js';
import { explainSpawnError, type StepCommand } from './step-command.js';

/** How a process ended; `cannotStart` says why it never ran. */
export type ProcessEnd = { exitCode: number } | { signal: NodeJS.Signals } | { cannotStart: string };

export interface StepProcessSettings {
  command: StepCommand;
  workDirectory: string;
  environment: Record<string, string>;
  groups: ProcessGroups;
  /** Each piece of output as it is read. */
  onOutput: (stream: OutputStream, data: Buffer) => void;
  monotonicMs: () => number;
}

/** After the process is over its output counts as drained when it has been quiet for so long … */
const quietMs = 50;
/** … and a background child that keeps printing holds the step up no longer than this. */
const drainMs = 250;
const groupPollMs = 20;

/** One step's process: its own process group, two pipes that are read until they end or `detach`. */
export class StepProcess {
  readonly #settings: StepProcessSettings;
  #readers: Readable[] = [];
  #openReaders = 0;
  #paused = false;
  #lastReadMs = 0;
  #groupId: number | undefined;
  #mustNotStart = false;
  #end: ProcessEnd | undefined;
  readonly #changed = new Set<() => void>();

  constructor(settings: StepProcessSettings) {
    this.#settings = settings;
  }

  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  /** Starts it and settles when the process itself is over. Output may still come. */
  async run(): Promise<ProcessEnd> {
    this.#end = await this.#run();
    return this.#end;
  }

  async #run(): Promise<ProcessEnd> {
    const { command, workDirectory, environment, groups } = this.#settings;
    const pipes = await makeOutputPipes();
    let child: ChildProcess;
    try {
      if (this.#mustNotStart) {
        for (const pipe of pipes ?? []) pipe.reader.destroy();
        return { signal: 'SIGTERM' };
      }
      child = spawn(command.file, command.arguments, {
        cwd: workDirectory,
        env: environment,
        detached: true,
        stdio: ['ignore', pipes?.[0].writeEnd ?? 'pipe', pipes?.[1].writeEnd ?? 'pipe'],
      });
    } finally {
      if (pipes !== undefined) for (const pipe of pipes) closeSync(pipe.writeEnd);
    }
    this.#read('stdout', pipes?.[0].reader ?? child.stdout);
    this.#read('stderr', pipes?.[1].reader ?? child.stderr);
    if (child.pid !== undefined) {
      this.#groupId = child.pid;
      groups.add(child.pid);
    }
    return await new Promise<ProcessEnd>((resolve) => {
      child.once('error', (error) => {
        if (child.pid === undefined) resolve({ cannotStart: explainSpawnError(error, command, workDirectory) });
      });
      child.once('exit', (exitCode, signal) => resolve(signal === null ? { exitCode: exitCode ?? 0 } : { signal }));
    });
  }

  /** Settles when what the process itself printed has been read: its pipes ended, or fell quiet. */
  async drained(): Promise<void> {
    const now = this.#settings.monotonicMs;
    let beganMs = now();
    while (this.#openReaders > 0) {
      // A full spool is not silence: nothing is read meanwhile.
      if (this.#paused) beganMs = now();
      const quietAtMs = Math.min(Math.max(this.#lastReadMs, beganMs) + quietMs, beganMs + drainMs);
      if (!this.#paused && now() >= quietAtMs) return;
      await this.#change(this.#paused ? undefined : quietAtMs - now());
    }
  }

  /** SIGTERM to the group, SIGKILL after the grace if it still has members. Settles when it has none. */
  async terminate(graceMs: number): Promise<void> {
    const groupId = this.#groupId;
    this.#mustNotStart = true;
    if (groupId === undefined) return;
    const { groups, monotonicMs } = this.#settings;
    groups.signal(groupId, 'SIGTERM');
    const deadlineMs = monotonicMs() + graceMs;
    // A shell dies of the signal at once, while what it started is still tidying up: it is the group that counts.
    // Looking at each member costs more than a signal, and tells nothing new while the first of them runs.
    const goesOn = () => (this.hasEnded ? groups.isRunning(groupId) : groups.isAlive(groupId));
    while (goesOn() && monotonicMs() < deadlineMs) {
      await this.#change(Math.min(groupPollMs, deadlineMs - monotonicMs()));
    }
    groups.signal(groupId, 'SIGKILL');
  }

  pause(): void {
    this.#paused = true;
    for (const reader of this.#readers) reader.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    for (const reader of this.#readers) reader.resume();
    this.#notify();
  }

  /** Reads no more. */
  detach(): void {
    for (const reader of this.#readers) reader.destroy();
  }

  #read(stream: OutputStream, reader: Readable | null): void {
    if (reader === null) return;
    this.#readers.push(reader);
    this.#openReaders += 1;
    reader.on('data', (data: Buffer) => {
      this.#lastReadMs = this.#settings.monotonicMs();
      this.#settings.onOutput(stream, data);
    });
    reader.on('error', () => undefined);
    reader.once('close', () => {
      this.#openReaders -= 1;
      this.#notify();
    });
    if (this.#paused) reader.pause();
  }

  /** Settles on the next change, or after so many milliseconds. */
  #change(timeoutMs: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#changed.delete(done);
        resolve();
      };
      const timer = timeoutMs === undefined ? undefined : setTimeout(done, timeoutMs);
      this.#changed.add(done);
    });
  }

  #notify(): void {
    for (const done of [...this.#changed]) done();
  }
}
