import type { CheckState } from '../../flow/index.js';
import type { TraceContext } from '../../telemetry/index.js';
import type { CheckRecord, CheckStore, SourceRef } from '../port/index.js';
import { sameCheck, speaksFor } from '../projection/index.js';
import type { Core } from './core.js';
import { type CheckRow, keyOf } from './tables.js';

/** Sets what the forge should show. Part of the transaction that changed the run. */
export function desireCheck(
  core: Core,
  source: SourceRef,
  check: {
    context: string;
    runId: string | undefined;
    generation: number;
    desired: CheckState;
    trace: TraceContext | undefined;
  },
): void {
  const { tables } = core;
  const key = keyOf(source.forge, source.repositoryId, source.commit, check.context);
  const stored = tables.checks.get(tables.checkKeys.get(key) ?? '');
  if (stored !== undefined && !speaksFor(check.generation, stored.generation)) {
    return;
  }
  const same = stored !== undefined && sameCheck(stored.desired, check.desired);
  const row: CheckRow = {
    id: stored?.id ?? core.newId(),
    forge: source.forge,
    repositoryId: source.repositoryId,
    repositoryName: source.repositoryName,
    commit: source.commit,
    context: check.context,
    runId: check.runId,
    desired: check.desired,
    desiredVersion: (stored?.desiredVersion ?? 0) + (same ? 0 : 1),
    sentVersion: stored?.sentVersion ?? 0,
    lease: stored?.lease ?? 0,
    overtaken: stored?.overtaken ?? false,
    tries: stored?.tries ?? 0,
    nextTryAt: stored?.nextTryAt,
    lastError: stored?.lastError,
    generation: check.generation,
    leasedUntil: stored?.leasedUntil,
    ...(check.trace !== undefined && { trace: check.trace }),
  };
  tables.checks.set(row.id, row);
  tables.checkKeys.set(key, row.id);
  if (!same) {
    core.send([{ kind: 'report', version: 1, forge: row.forge, checkId: row.id }], check.trace);
  }
}

export class MemoryChecks implements CheckStore {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  lease(request: { forge?: string; limit: number; leaseMs: number }): Promise<CheckRecord[]> {
    return this.#core.transact(() => {
      const now = this.#core.now();
      const due = [...this.#core.tables.checks.values()].filter(
        (row) =>
          (request.forge === undefined || row.forge === request.forge) &&
          row.desiredVersion > row.sentVersion &&
          (row.nextTryAt === undefined || row.nextTryAt <= now) &&
          (row.leasedUntil === undefined || row.leasedUntil <= now),
      );
      const leasedUntil = new Date(now.getTime() + request.leaseMs);
      return due.slice(0, request.limit).map((row) => {
        const leased = { ...row, lease: row.lease + 1, overtaken: false, leasedUntil };
        this.#core.tables.checks.set(row.id, leased);
        return view(leased);
      });
    });
  }

  sent(id: string, version: number, lease: number): Promise<void> {
    return this.#core.transact(() =>
      this.#change(id, lease, (row) => ({
        sentVersion: Math.max(row.sentVersion, version),
        tries: 0,
        nextTryAt: undefined,
        lastError: undefined,
      })),
    );
  }

  failed(id: string, error: string, nextTryAt: Date, lease: number): Promise<void> {
    return this.#core.transact(() =>
      this.#change(id, lease, (row) => ({ tries: row.tries + 1, nextTryAt, lastError: error })),
    );
  }

  list(filter: {
    runId?: string;
    repositoryId?: string;
    commit?: string;
    pendingOnly?: boolean;
    limit: number;
  }): Promise<CheckRecord[]> {
    return this.#core.transact(() =>
      [...this.#core.tables.checks.values()]
        .filter(
          (row) =>
            (filter.runId === undefined || row.runId === filter.runId) &&
            (filter.repositoryId === undefined || row.repositoryId === filter.repositoryId) &&
            (filter.commit === undefined || row.commit === filter.commit) &&
            (filter.pendingOnly !== true || row.desiredVersion > row.sentVersion),
        )
        .slice(0, filter.limit)
        .map(view),
    );
  }

  #change(id: string, lease: number, change: (row: CheckRow) => Partial<CheckRow>): void {
    const row = this.#core.tables.checks.get(id);
    if (row === undefined) return;
    const isHolder = row.lease === lease;
    const next: CheckRow = isHolder ? { ...row, ...change(row), leasedUntil: undefined } : { ...row };
    if (!isHolder || row.overtaken) next.sentVersion = Math.min(next.sentVersion, row.desiredVersion - 1);
    // Told to the holder too: what it has just sent may have been overtaken as well.
    next.overtaken = !isHolder;
    this.#core.tables.checks.set(id, next);
  }
}

function view({
  generation: _generation,
  leasedUntil: _leasedUntil,
  overtaken: _overtaken,
  ...check
}: CheckRow): CheckRecord {
  return check;
}
