import { SolsticeError } from '../../errors/index.js';
import { type AttemptView, describeCause } from '../../flow/index.js';
import type { LogChunkRecord, RunnerRecord } from '../port/index.js';

/**
 * The records that are not stored yet. Overlap with what is stored is dropped, wherever it begins. Throws `record-gap`,
 * naming the number that is wanted, when a number is left out.
 */
export function freshRecords(durableSeq: number, records: readonly RunnerRecord[]): RunnerRecord[] {
  const fresh = records.filter((record) => record.seq > durableSeq);
  fresh.forEach((record, index) => {
    const wanted = durableSeq + 1 + index;
    if (record.seq !== wanted) {
      throw new SolsticeError('record-gap', `record ${record.seq} came where ${wanted} was wanted`, {
        hint: `Send on from ${wanted}.`,
      });
    }
  });
  return fresh;
}

export function isLog(record: RunnerRecord): record is Extract<RunnerRecord, { kind: 'log' }> {
  return record.kind === 'log';
}

/**
 * The last line of a log whose runner could not say the last word: stored under the next number with the event that
 * ends the attempt (`lose`, `refuse`). `step` is the last one that is known to have started, else 0.
 */
export function lastLine(attempt: AttemptView, durableSeq: number, step: number, at: Date): LogChunkRecord {
  const why = attempt.cause === undefined ? attempt.state : describeCause(attempt.cause);
  const text =
    attempt.startedAt === undefined
      ? `[solstice] Attempt ${attempt.number} did not start: ${why}\n`
      : `\n[solstice] Attempt ${attempt.number} ends here: ${why}. What its steps printed after this is not stored.\n`;
  return { seq: durableSeq + 1, step, stream: 'system', at, data: new TextEncoder().encode(text) };
}
