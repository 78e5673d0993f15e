import { isDeepStrictEqual } from 'node:util';
import { SolsticeError } from '../errors/index.js';
import { type FlowTimer, replay, timersOf } from '../flow/index.js';
import type { Store } from './port/index.js';
import { type Replayable, replayableOfDetail, replayableOfFlow } from './projection/index.js';

const PAGE = 100;

/**
 * The oracle: for every run, folding its events from the first on gives what is stored of it. Answers how many runs
 * were compared; rejects with `internal`, naming the first difference.
 */
export async function assertReplays(store: Store): Promise<number> {
  let beforeNumber: number | undefined;
  let compared = 0;
  for (;;) {
    const page = await store.runs.list({ limit: PAGE, ...(beforeNumber !== undefined && { beforeNumber }) });
    for (const summary of page) {
      await compareRun(store, summary.id);
      compared += 1;
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) {
      return compared;
    }
    beforeNumber = last.number;
  }
}

async function compareRun(store: Store, runId: string): Promise<void> {
  for (;;) {
    const events = await store.runs.events(runId);
    const stored = await store.runs.find({ id: runId });
    const timers = await store.timers.ofRun(runId);
    if ((await store.runs.events(runId)).length !== events.length) {
      continue; // It moved between the reads.
    }
    if (stored === undefined) {
      throw new SolsticeError('internal', `run ${runId} is listed and cannot be found`);
    }
    const difference = differenceOf(replayableOfFlow(replay(events)), replayableOfDetail(stored));
    const asked = timersOf(replay(events));
    if (!isDeepStrictEqual(byKey(asked), byKey(timers))) {
      throw new SolsticeError(
        'internal',
        `run ${runId} has other timers than its events say: events ${JSON.stringify(asked)}, stored ${JSON.stringify(timers)}`,
      );
    }
    if (difference !== undefined) {
      throw new SolsticeError('internal', `run ${runId} is not what its events say: ${difference}`);
    }
    return;
  }
}

function differenceOf(replayed: Replayable, stored: Replayable): string | undefined {
  if (isDeepStrictEqual(clean(replayed), clean(stored))) {
    return undefined;
  }
  const text = (value: unknown): string => JSON.stringify(value);
  for (const key of Object.keys(replayed) as (keyof Replayable)[]) {
    if (!isDeepStrictEqual(clean(replayed[key]), clean(stored[key]))) {
      return `${key}: events ${text(replayed[key])}, stored ${text(stored[key])}`;
    }
  }
  return 'another set of fields';
}

/** The order of a database is not that of JavaScript. */
function byKey(timers: readonly FlowTimer[]): ReadonlyMap<string, number> {
  return new Map(timers.map(({ key, fireAtMs }) => [key, fireAtMs]));
}

/** Absent and undefined are the same here; so are an object and its copy from JSON. */
function clean(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value, sortKeys));
}

function sortKeys(_key: string, value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return value;
  }
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
