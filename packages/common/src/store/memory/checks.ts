import type { CheckState } from '../../flow/index.js';
import type { TraceContext } from '../../telemetry/index.js';
import { sameCheck, speaksFor } from '../projection/index.js';
import type { CheckRecord, SourceRef } from '../records.js';
import type { CheckStore } from '../store.js';
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
        this.#core.tables.checks.set(row.id, { ...row, leasedUntil });
        return view(row);
      });
    });
  }

  sent(id: string, version: number): Promise<void> {
    return this.#core.transact(() =>
      this.#change(id, (row) => ({
        sentVersion: Math.max(row.sentVersion, version),
        tries: 0,
        nextTryAt: undefined,
        lastError: undefined,
        leasedUntil: undefined,
      })),
    );
  }

  failed(id: string, error: string, nextTryAt: Date): Promise<void> {
    return this.#core.transact(() =>
      this.#change(id, (row) => ({ tries: row.tries + 1, nextTryAt, lastError: error, leasedUntil: undefined })),
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

  #change(id: string, change: (row: CheckRow) => Partial<CheckRow>): void {
    const row = this.#core.tables.checks.get(id);
    if (row !== undefined) {
      this.#core.tables.checks.set(id, { ...row, ...change(row) });
    }
  }
}

function view({ generation: _generation, leasedUntil: _leasedUntil, ...check }: CheckRow): CheckRecord {
  return check;
}
