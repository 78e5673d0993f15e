import type { AttemptRecord, NodeRecord, RunDetail } from '@solstice/common/store';
import type { Cursor } from './cursor.js';

export interface LogSelection {
  /** Only this job. */
  job?: string | undefined;
  /** Only this attempt of each job; else from the newest on, or from where the cursor stands. */
  attempt?: number | undefined;
}

export interface LogReader {
  readonly job: string;
  attempt: AttemptRecord;
  /** The last record that was delivered. */
  seq: number;
}

/** Which attempt of which job is read next, and how far: one reader a job, its attempts after each other. */
export class LogReaders {
  readonly #selection: LogSelection;
  readonly #after: Cursor | undefined;
  readonly #stands: Map<string, { attempt: number; seq: number }>;
  readonly #readers = new Map<string, LogReader>();
  /** The lowest attempt number that may still be read, by job. */
  readonly #from = new Map<string, number>();

  constructor(selection: LogSelection, after: Cursor | undefined) {
    this.#selection = selection;
    this.#after = after;
    this.#stands = new Map(after);
  }

  active(): readonly LogReader[] {
    return [...this.#readers.values()];
  }

  cursor(): Cursor {
    for (const { job, attempt, seq } of this.#readers.values()) {
      this.#stands.set(job, { attempt: attempt.number, seq });
    }
    return new Map(this.#stands);
  }

  /** Takes in how the run is now. */
  update(run: RunDetail): void {
    for (const node of run.nodes) {
      if (this.#selection.job !== undefined && node.id !== this.#selection.job) continue;
      const current = this.#readers.get(node.id);
      if (current) {
        current.attempt = node.attempts.find((attempt) => attempt.id === current.attempt.id) ?? current.attempt;
        continue;
      }
      const from = this.#fromOf(node);
      const attempt = node.attempts.find((candidate) =>
        this.#selection.attempt === undefined
          ? candidate.number >= from
          : candidate.number === this.#selection.attempt && candidate.number >= from,
      );
      if (!attempt) continue;
      const stands = this.#stands.get(node.id);
      const seq = stands?.attempt === attempt.number ? stands.seq : 0;
      this.#readers.set(node.id, { job: node.id, attempt, seq });
    }
  }

  /** All of its attempt has been delivered. */
  finish(reader: LogReader): void {
    this.#stands.set(reader.job, { attempt: reader.attempt.number, seq: reader.seq });
    this.#from.set(reader.job, reader.attempt.number + 1);
    this.#readers.delete(reader.job);
  }

  #fromOf(node: NodeRecord): number {
    const known = this.#from.get(node.id);
    if (known !== undefined) return known;
    // A reader that comes back without a word on this job had seen nothing of it; a new one begins at the newest.
    const first =
      this.#selection.attempt ??
      this.#after?.get(node.id)?.attempt ??
      (this.#after ? 1 : (node.attempts.at(-1)?.number ?? 1));
    this.#from.set(node.id, first);
    return first;
  }
}
