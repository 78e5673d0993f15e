import { setTimeout as delay } from 'node:timers/promises';
import { SolsticeError, toError } from '@solstice/common/errors';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { z } from 'zod';
import { logEndSchema, logEventSchema, type RunDetailView, runDetailSchema, type runStateSchema } from '../schemas.js';
import type { OperatorHttp, Query } from './http.js';

export interface LogRequest {
  job?: string | undefined;
  /** Counted from 0. */
  step?: number | undefined;
  attempt?: number | undefined;
  /** An event's id, or with one job a record's number: go on after it. */
  after?: string | undefined;
  /** Until it is over; else what is stored now. */
  follow?: boolean | undefined;
  signal?: AbortSignal | undefined;
  /** How long to try to get a lost connection back before giving up. Default: two minutes. */
  patienceMs?: number;
}

export type LogItem =
  /** The run as it is now; first of all, and whenever it or a step changed. */
  | { kind: 'run'; run: RunDetailView; id: string }
  | {
      kind: 'log';
      job: string;
      attempt: number;
      step: number;
      stream: 'stdout' | 'stderr' | 'system';
      seq: number;
      at: string;
      data: Uint8Array;
      id: string;
    }
  /** Everything that was selected is over and has been delivered. Always the last. */
  | { kind: 'end'; state: z.infer<typeof runStateSchema> };

const firstDelayMs = 100;
const longestDelayMs = 5000;

/**
 * The log with the run's states, without a gap and without doubles also when the connection is lost or the server
 * restarts meanwhile. Rejects with `api-unreachable` when it does not come back. Ends early, without `end`, only
 * by the signal.
 */
export async function* readLog(http: OperatorHttp, run: string, request: LogRequest): AsyncGenerator<LogItem> {
  const { job, step, attempt, follow = false, patienceMs = 120_000 } = request;
  const query: Query = { job, step, attempt, follow, events: true };
  let after = request.after;
  let seen = false;
  let failures = 0;
  let lostAt = 0;
  const signal = request.signal ?? new AbortController().signal;
  while (!signal.aborted) {
    try {
      for await (const item of readOnce(http, run, { ...query, after }, signal)) {
        seen = true;
        failures = 0;
        if (item.kind !== 'end') after = item.id;
        yield item;
        if (item.kind === 'end') return;
      }
      throw new SolsticeError('api-unreachable', 'The stream ended before the log did.');
    } catch (error) {
      if (signal.aborted) return;
      const retryable = error instanceof SolsticeError && error.retryable;
      if (!seen || !retryable) throw error;
      if (failures === 0) lostAt = performance.now();
      if (performance.now() - lostAt > patienceMs) throw error;
      // Half of it by chance, so that many readers don't come back at once.
      const waitMs = Math.min(longestDelayMs, firstDelayMs * 2 ** failures) * (0.5 + Math.random() / 2);
      failures += 1;
      await delay(waitMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

async function* readOnce(http: OperatorHttp, run: string, query: Query, signal: AbortSignal): AsyncGenerator<LogItem> {
  // Its own signal, so that leaving the loop early closes the connection.
  const own = new AbortController();
  const onAbort = () => own.abort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const response = await http.open('GET', `/runs/${encodeURIComponent(run)}/log`, { query, signal: own.signal });
    const waiting: EventSourceMessage[] = [];
    const parser = createParser({ onEvent: (event) => waiting.push(event) });
    const decoder = new TextDecoder();
    for await (const piece of bodyOf(response)) {
      parser.feed(decoder.decode(piece, { stream: true }));
      for (const event of waiting.splice(0)) {
        const item = itemOf(event);
        if (item) yield item;
      }
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    own.abort();
  }
}

/** The body in pieces; a connection that breaks is `api-unreachable`. */
export async function* bodyOf(response: Response): AsyncGenerator<Uint8Array> {
  if (!response.body) return;
  try {
    for await (const piece of response.body) yield piece;
  } catch (error) {
    throw new SolsticeError('api-unreachable', `The connection was lost (${toError(error).message}).`, {
      cause: error,
    });
  }
}

function itemOf({ event, id = '', data }: EventSourceMessage): LogItem | undefined {
  switch (event) {
    case 'run':
      return { kind: 'run', run: runDetailSchema.parse(JSON.parse(data)), id };
    case 'log': {
      const log = logEventSchema.parse(JSON.parse(data));
      return { kind: 'log', ...log, data: Buffer.from(log.data, 'base64'), id };
    }
    case 'end':
      return { kind: 'end', state: logEndSchema.parse(JSON.parse(data)).state };
    default:
      // A newer server may say more.
      return undefined;
  }
}
