import { SolsticeError } from '../../errors/index.js';
import { isRefusal, parseAttemptId, type RunFlow } from '../../flow/index.js';
import type { Claim, ClaimRequest, Fence, HostRecord } from '../port/index.js';
import {
  attemptsBefore,
  claimFor,
  type Fit,
  type Fleet,
  fitOf,
  hostToKeep,
  isMixed,
  KEEP_AFTER_MS,
  keptOf,
  stepMsUsed,
} from '../projection/index.js';
import { handle } from './commit-events.js';
import type { Core } from './core.js';
import { hostRecord, requireInstance } from './hosts.js';
import type { QueuedRow, RunRow } from './tables.js';

export function claim(core: Core, request: ClaimRequest): Claim | undefined {
  const { tables } = core;
  const host = requireInstance(core, request.hostId, request.instance);
  const before = tables.requests.get(request.requestId);
  if (before !== undefined) {
    return claimOf(core, tables.leases.get(before)?.workerId, true);
  }
  host.pools = request.pools;
  host.capacity = request.capacity;
  keepOne(core);
  const fleet = fleetOf(core);
  const own = fleet.hosts.find((one) => one.id === host.id);
  if (own === undefined) {
    return undefined;
  }
  // All with the same needs get the same answer, but for the one that the host is kept for.
  const answers = new Map<string, boolean>();
  const keptFor = fleet.kept.find((one) => one.hostId === own.id)?.attempt.id;
  for (const waiting of queued(core)) {
    const key = waiting.id === keptFor || waiting.notBefore > fleet.now.getTime() ? waiting.id : waiting.needs;
    if (answers.get(key) === false) {
      continue;
    }
    const fit = fitOf(waiting, own, fleet);
    if (fit.fits) {
      return take(core, request, waiting.id, fit);
    }
    answers.set(key, false);
  }
  return undefined;
}

/** What a claim said, again. Undefined: the worker's attempt is over, or elsewhere. */
export function claimOf(core: Core, workerId: string | undefined, repeated: boolean): Claim | undefined {
  const worker = core.tables.workers.get(workerId ?? '');
  if (worker === undefined || core.tables.leases.get(worker.attemptId)?.workerId !== worker.id) {
    return undefined;
  }
  const { flow, meta } = runOf(core, worker.attemptId);
  return claimFor(flow, meta, worker, usedBefore(core, flow, worker.attemptId), repeated, core.now());
}

function usedBefore(core: Core, flow: RunFlow, attemptId: string): Record<number, number> | undefined {
  const { node, earlier } = attemptsBefore(flow, attemptId);
  return stepMsUsed(
    node,
    earlier.map((attempt) => ({ attempt, steps: core.tables.attempts.get(attempt.id)?.steps ?? [] })),
  );
}

/** All hosts now, by id, with those that are kept. */
export function fleetOf(core: Core): Fleet & { hosts: readonly HostRecord[] } {
  const { tables } = core;
  const hosts = [...tables.hosts.values()]
    .map((row) => hostRecord(core, row))
    .sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  const rows = [...tables.kept].map(([hostId, { attemptId, since }]) => {
    const attempt = tables.attempts.get(attemptId)?.waiting;
    if (attempt === undefined) {
      throw new SolsticeError('internal', `there is no attempt ${attemptId}`);
    }
    return { hostId, since, queued: tables.queued.has(attemptId), attempt };
  });
  return { hosts, kept: keptOf(rows, hosts), now: core.now() };
}

/** Forgets what does not count any more, and keeps one more host where an attempt has waited for too long. */
function keepOne(core: Core): void {
  const { tables } = core;
  const fleet = fleetOf(core);
  const counting = new Set(fleet.kept.map(({ hostId }) => hostId));
  for (const hostId of tables.kept.keys()) {
    if (!counting.has(hostId)) {
      tables.kept.delete(hostId);
    }
  }
  const waiting = [...queued(core)];
  if (!isMixed([...new Map(waiting.map((one) => [one.needs, one])).values()])) {
    return;
  }
  const before = fleet.now.getTime() - KEEP_AFTER_MS;
  const overdue = waiting.filter((one) => Math.max(one.queuedAt, one.notBefore) <= before);
  const next = hostToKeep(overdue, fleet);
  if (next !== undefined) {
    tables.kept.set(next.hostId, { attemptId: next.attempt.id, since: fleet.now });
  }
}

/** Oldest first. */
function* queued(core: Core): Generator<QueuedRow> {
  const { attempts, queued: ids } = core.tables;
  for (const attemptId of ids.keys()) {
    const row = attempts.get(attemptId);
    if (row !== undefined) {
      yield row.waiting;
    }
  }
}

function take(
  core: Core,
  request: ClaimRequest,
  attemptId: string,
  { pool: offer, resources }: Extract<Fit, { fits: true }>,
): Claim | undefined {
  const { hostId, workerId, requestId, instance } = request;
  const { tables } = core;
  if (tables.workers.has(workerId)) {
    throw new SolsticeError('internal', `worker ${workerId} was claimed for before`);
  }
  const runId = parseAttemptId(attemptId)?.runId ?? '';
  const outcome = handle(core, runId, { kind: 'claim', attemptId, hostId, workerId, requestId });
  if (isRefusal(outcome)) {
    throw new SolsticeError('internal', `a queued attempt could not be claimed: ${outcome.reason}`);
  }
  const fence: Fence = { attemptId, hostId, instance, epoch: 1 };
  tables.leases.set(attemptId, { workerId, fence });
  tables.requests.set(requestId, attemptId);
  const worker = { id: workerId, hostId, attemptId, offer, resources, tokenHash: request.tokenHash.slice(), fence };
  tables.workers.set(workerId, { ...worker, sessionHash: undefined });
  return claimOf(core, workerId, false);
}

function runOf(core: Core, attemptId: string): RunRow {
  const run = core.tables.runs.get(parseAttemptId(attemptId)?.runId ?? '');
  if (run === undefined) {
    throw new SolsticeError('internal', `there is no run of attempt ${attemptId}`);
  }
  return run;
}
