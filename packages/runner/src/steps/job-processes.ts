import type { OutputStream, RecordWriter } from '../spool/record-writer.js';
import type { Spool } from '../spool/spool.js';
import type { ProcessGroups } from './process-groups.js';
import type { SilenceClock } from './silence-clock.js';
import type { StepOutput } from './step-output.js';
import type { StepProcess } from './step-process.js';

export interface JobProcessesParts {
  writer: RecordWriter;
  spool: Spool;
  groups: ProcessGroups;
}

/** All processes that the job's steps started, and what they print, until the job ends: background children outlive their step. */
export class JobProcesses {
  readonly #parts: JobProcessesParts;
  readonly #processes: StepProcess[] = [];
  readonly #outputs: StepOutput[] = [];
  readonly #clocks = new Set<SilenceClock>();

  constructor(parts: JobProcessesParts) {
    this.#parts = parts;
    parts.spool.onRoom(() => {
      for (const process of this.#processes) process.resume();
      for (const clock of this.#clocks) clock.run();
    });
  }

  add(process: StepProcess, output: StepOutput): void {
    this.#outputs.push(output);
    this.#processes.push(process);
    if (this.#parts.spool.isFull) process.pause();
  }

  /** It runs now, and stands still whenever output is held back. */
  watch(clock: SilenceClock): void {
    this.#clocks.add(clock);
    if (!this.#parts.spool.isFull) clock.run();
  }

  unwatch(clock: SilenceClock): void {
    clock.stop();
    this.#clocks.delete(clock);
  }

  emit(step: number, stream: OutputStream, data: Buffer): void {
    const { writer, spool } = this.#parts;
    writer.output(step, stream, data);
    if (!spool.isFull) return;
    for (const process of this.#processes) process.pause();
    for (const clock of this.#clocks) clock.hold();
  }

  /** What is buffered goes out now, before what is said next. */
  flush(): void {
    for (const output of this.#outputs) output.flush();
  }

  /** What steps left running ends, and what it had printed is kept. */
  async endAll(): Promise<void> {
    this.#parts.groups.killAll();
    await Promise.all(this.#processes.map((process) => process.drained()));
    for (const process of this.#processes) process.detach();
    this.flush();
  }
}
