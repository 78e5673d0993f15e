import { SolsticeError } from '../../errors/index.js';
import { type Command, decide, evolveAll, type FlowEvent, isRefusal, type RunFlow } from '../../flow/index.js';
import { detailOf, failedCheckState, type RunMeta, summaryOf } from '../projection/index.js';
import type { NewRun, RunDetail, RunSummary } from '../records.js';
import type { CommandOutcome, PlanRequest, RunStore } from '../store.js';
import { desireCheck } from './checks.js';
import { fleetOf } from './claims.js';
import { commitEvents, handle } from './commit-events.js';
import type { Core } from './core.js';
import type { RunRow } from './tables.js';

export class MemoryRuns implements RunStore {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  plan(request: PlanRequest): ReturnType<RunStore['plan']> {
    return this.#core.transact(() => {
      const { tables } = this.#core;
      const delivery = request.deliveryId === undefined ? undefined : tables.deliveries.get(request.deliveryId);
      if (request.deliveryId !== undefined && delivery?.state !== 'received') {
        return { planned: false, runs: [] };
      }
      const decided = request.runs.map((run) => this.#decide(run));
      requireDistinct(request);
      const runs = decided.map(({ run, flow, events }) => this.#begin(request, run, flow, events));
      for (const check of request.failedChecks) {
        desireCheck(this.#core, check.source, {
          context: check.context,
          runId: undefined,
          generation: this.#core.lastRunNumber,
          desired: failedCheckState(check),
          trace: check.trace,
        });
      }
      if (delivery !== undefined) {
        const runIds = runs.map((run) => run.id);
        tables.deliveries.set(delivery.id, { ...delivery, ...request.outcome, nextTryAt: undefined, runIds });
      }
      return { planned: true, runs };
    });
  }

  #decide(run: NewRun): { run: NewRun; flow: RunFlow; events: FlowEvent[] } {
    const { tables } = this.#core;
    const stored = tables.runs.get(run.runId)?.flow;
    const command: Command = { kind: 'plan', runId: run.runId, spec: run.spec };
    const events = decide(stored, command, this.#core.now().getTime());
    if (isRefusal(events)) {
      throw new SolsticeError('refused', `run ${run.runId} cannot be planned: ${events.reason}`);
    }
    if (tables.runIdsByPageKey.has(run.pageKey)) {
      throw new SolsticeError('internal', 'two runs have one page key');
    }
    return { run, flow: evolveAll(undefined, events), events };
  }

  #begin(
    request: PlanRequest,
    run: NewRun,
    flow: RunFlow,
    events: readonly FlowEvent[],
  ): { id: string; number: number; pageKey: string } {
    this.#core.lastRunNumber += 1;
    const meta: RunMeta = {
      number: this.#core.lastRunNumber,
      pageKey: run.pageKey,
      source: run.source,
      trigger: run.trigger,
      deliveryId: request.deliveryId,
      checkContext: run.checkContext,
      ...(run.trace !== undefined && { trace: run.trace }),
    };
    this.#core.tables.runIdsByNumber.set(meta.number, run.runId);
    this.#core.tables.runIdsByPageKey.set(run.pageKey, run.runId);
    commitEvents(this.#core, flow, meta, events, 'plan');
    return { id: run.runId, number: meta.number, pageKey: run.pageKey };
  }

  command(runId: string, command: Parameters<RunStore['command']>[1]): Promise<CommandOutcome> {
    return this.#core.transact(() => handle(this.#core, runId, command));
  }

  find(by: { id: string } | { number: number } | { pageKey: string }): Promise<RunDetail | undefined> {
    return this.#core.transact(() => {
      const { tables } = this.#core;
      const id =
        'id' in by
          ? by.id
          : 'number' in by
            ? tables.runIdsByNumber.get(by.number)
            : tables.runIdsByPageKey.get(by.pageKey);
      const row = tables.runs.get(id ?? '');
      return row && this.#detail(row);
    });
  }

  list(filter: {
    repositoryId?: string;
    states?: string[];
    beforeNumber?: number;
    limit: number;
  }): Promise<RunSummary[]> {
    return this.#core.transact(() =>
      [...this.#core.tables.runs.values()]
        .filter(
          ({ flow, meta }) =>
            (filter.repositoryId === undefined || meta.source.repositoryId === filter.repositoryId) &&
            (filter.states === undefined || filter.states.includes(flow.state)) &&
            (filter.beforeNumber === undefined || meta.number < filter.beforeNumber),
        )
        .sort((a, b) => b.meta.number - a.meta.number)
        .slice(0, filter.limit)
        .map(({ flow, meta }) => summaryOf(flow, meta)),
    );
  }

  events(runId: string): Promise<FlowEvent[]> {
    return this.#core.transact(() => [...(this.#core.tables.runs.get(runId)?.events ?? [])]);
  }

  #detail(row: RunRow): RunDetail {
    return detailOf(
      row.flow,
      row.meta,
      (attempt) => {
        const { steps, durableSeq, logBytes } = this.#core.tables.attempts.get(attempt.id) ?? {
          steps: [],
          durableSeq: 0,
          logBytes: 0,
        };
        return { steps, durableSeq, logBytes };
      },
      fleetOf(this.#core),
    );
  }
}

/** One workflow has one run for a delivery. */
function requireDistinct(request: PlanRequest): void {
  const names = request.runs.map((run) => run.spec.workflow.name);
  const ids = request.runs.map((run) => run.runId);
  if (new Set(names).size !== names.length || new Set(ids).size !== ids.length) {
    throw new SolsticeError('internal', 'a workflow was planned twice for one delivery');
  }
}
