import { SolsticeError } from '@solstice/common/errors';
import type { LogChunkRecord, RunDetail, Store } from '@solstice/common/store';
import type { FastifyInstance } from 'fastify';
import type { OperatorApiDeps } from '../deps.js';
import { parseInput } from '../operator/errors.js';
import { logQuerySchema, runRefSchema } from '../requests.js';
import { findRun } from '../runs/find-run.js';
import { runDetailView } from '../runs/run-view.js';
import type { LogEvent } from '../schemas.js';
import { type Cursor, formatCursor } from './cursor.js';
import { type FollowOptions, followRun } from './follow-run.js';
import { checkSelection, readCursor } from './select.js';
import { eventStreamHeaders, formatEvent, keepAlive, LiveStreams } from './sse.js';

const maxStreams = 500;

/** `GET /runs/:run/log`: the bytes that steps printed, or with `follow` or `events` the same as events with what surrounds them. */
export function registerLogRoutes(app: FastifyInstance, deps: OperatorApiDeps): void {
  const streams = new LiveStreams(app, deps.logger, maxStreams);

  app.get('/runs/:run/log', async (request, reply) => {
    const { run: ref } = parseInput(runRefSchema, request.params);
    const { job, attempt, step, after, follow = false, events = false } = parseInput(logQuerySchema, request.query);
    const run = await findRun(deps.store, ref);
    const selection = { job, attempt };
    checkSelection(run, { ...selection, step });
    const lastEventId = request.headers['last-event-id'];
    const cursor = readCursor(run, selection, typeof lastEventId === 'string' ? lastEventId : after);
    if (streams.full) {
      throw new SolsticeError('database-unavailable', 'Too many live streams are open.', {
        hint: 'Close some, or ask another node.',
      });
    }
    const options = { selection, after: cursor, follow };
    if (follow || events) {
      await streams.send(reply, eventStreamHeaders, (signal) => logEvents(deps, run, step, { ...options, signal }));
    } else {
      await streams.send(reply, { 'content-type': 'application/octet-stream' }, (signal) =>
        printedBytes(deps.store, run, step, { ...options, signal }),
      );
    }
  });
}

/** What the steps themselves printed, job after job in the order of the run, and nothing of ours. */
async function* printedBytes(
  store: Store,
  run: RunDetail,
  step: number | undefined,
  options: FollowOptions,
): AsyncGenerator<Uint8Array> {
  const jobs = run.nodes.map((node) => node.id).filter((id) => (options.selection?.job ?? id) === id);
  for (const job of jobs) {
    for await (const item of followRun(store, run.id, { ...options, selection: { ...options.selection, job } })) {
      if (item.kind !== 'log') continue;
      for (const chunk of item.chunks) {
        if (chunk.stream !== 'system' && (step === undefined || chunk.step === step)) yield chunk.data;
      }
    }
  }
}

async function* logEvents(
  deps: OperatorApiDeps,
  found: RunDetail,
  step: number | undefined,
  options: FollowOptions,
): AsyncGenerator<string> {
  const jobs = found.nodes.map((node) => node.id);
  for await (const item of followRun(deps.store, found.id, options)) {
    switch (item.kind) {
      case 'run': {
        const data = runDetailView(item.run, deps.publicUrl());
        yield formatEvent({ event: 'run', id: formatCursor(item.cursor, jobs), data });
        break;
      }
      case 'log':
        for (const chunk of item.chunks) {
          if (step !== undefined && chunk.step !== step) continue;
          // Every event has its own place, not that of its batch: the connection may end between two.
          const at: Cursor = new Map(item.cursor).set(item.job, { attempt: item.attempt, seq: chunk.seq });
          yield formatEvent({
            event: 'log',
            id: formatCursor(at, jobs),
            data: logEvent(item.job, item.attempt, chunk),
          });
        }
        break;
      case 'idle':
        yield keepAlive;
        break;
      case 'end':
        yield formatEvent({ event: 'end', data: { state: item.run.state } });
        break;
    }
  }
}

function logEvent(job: string, attempt: number, chunk: LogChunkRecord): LogEvent {
  return {
    job,
    attempt,
    step: chunk.step,
    stream: chunk.stream,
    seq: chunk.seq,
    at: chunk.at.toISOString(),
    data: Buffer.from(chunk.data).toString('base64'),
  };
}
