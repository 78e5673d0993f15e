import { isTerminal, stepsOf } from '@solstice/common/flow';
import type { AttemptRecord, LogChunkRecord, LogStreamName, RunDetail, Store } from '@solstice/common/store';
import { PlainText } from '../logs/plain-text.js';

export interface LogPiece {
  step: number;
  stream: LogStreamName;
  text: string;
}

/** The chunks of one attempt as text; each stream of each step keeps its own half characters. */
export class AttemptText {
  readonly #texts = new Map<string, PlainText>();

  push(chunk: LogChunkRecord): LogPiece {
    const key = `${chunk.step}/${chunk.stream}`;
    const text = this.#texts.get(key) ?? new PlainText();
    this.#texts.set(key, text);
    return { step: chunk.step, stream: chunk.stream, text: text.push(chunk.data) };
  }

  /** What is held back, once nothing more comes. */
  end(): LogPiece[] {
    return [...this.#texts].map(([key, text]) => {
      const [step = '0', stream = 'stdout'] = key.split('/');
      return { step: Number(step), stream: stream as LogStreamName, text: text.end() };
    });
  }
}

/** So many records back may the first half of a cut character lie when a reader comes back. */
const primeRecords = 64;

/** As if everything up to `seq` had been read: what it held back is held back again. */
export async function primedText(store: Store, attemptId: string, seq: number): Promise<AttemptText> {
  const text = new AttemptText();
  if (seq === 0) return text;
  const afterSeq = Math.max(0, seq - primeRecords);
  for (const chunk of await store.logs.read(attemptId, { afterSeq, limit: primeRecords })) {
    if (chunk.seq <= seq) text.push(chunk);
  }
  return text;
}

export interface LogTail {
  pieces: LogPiece[];
  /** The last record that is in it. */
  seq: number;
  /** There is more before it. */
  cut: boolean;
}

/** The end of an attempt's log, about `maxBytes` of it: what a page shows at once. */
export async function readTail(store: Store, attempt: AttemptRecord, maxBytes: number): Promise<LogTail> {
  const perRecord = Math.max(1, attempt.logBytes / Math.max(1, attempt.durableSeq));
  const records = Math.max(32, Math.ceil((2 * maxBytes) / perRecord));
  let seq = attempt.logBytes <= maxBytes ? 0 : Math.max(0, attempt.durableSeq - records);
  let cut = seq > 0;
  const chunks: LogChunkRecord[] = [];
  let bytes = 0;
  // Only up to what was durable at the beginning: a log that grows faster than it is read must end, too.
  while (seq < attempt.durableSeq || isTerminal(attempt.state)) {
    const more = await store.logs.read(attempt.id, { afterSeq: seq, limit: 64 });
    const last = more.at(-1);
    if (!last) break;
    seq = last.seq;
    for (const chunk of more) {
      chunks.push(chunk);
      bytes += chunk.data.length;
    }
    while (chunks.length > 1 && bytes - (chunks[0]?.data.length ?? 0) >= maxBytes) {
      bytes -= chunks.shift()?.data.length ?? 0;
      cut = true;
    }
  }
  const text = new AttemptText();
  const pieces = chunks.map((chunk) => text.push(chunk));
  if (isTerminal(attempt.state)) pieces.push(...text.end());
  return { pieces: pieces.filter((piece) => piece.text !== ''), seq, cut };
}

/** `── step 2: Test`; nothing for lines of ours before the first step. */
export function stepHeading(run: RunDetail, job: string, step: number): string | undefined {
  const name = stepsOf(run.spec.nodes.find((spec) => spec.id === job))[step]?.name;
  return name === undefined ? undefined : `── step ${step + 1}: ${name.replace(/\s+/g, ' ')}`;
}
