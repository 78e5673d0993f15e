import { SolsticeError } from '../../errors/index.js';
import {
  type Command,
  decide,
  evolveAll,
  type FlowEvent,
  isRefusal,
  type Origin,
  type Refusal,
  type RunFlow,
} from '../../flow/index.js';
import type {
  CommandOutcome,
  ImportRequest,
  NewRun,
  NewRunNumber,
  PlanRequest,
  RerunRequest,
  RunDetail,
  RunFilter,
  RunStore,
  RunSummary,
  RunWait,
} from '../port/index.js';
import { detailOf, failedCheckState, madeOf, onlyRun, rerunOf, summaryOf, waitsOf } from '../projection/index.js';
import { readExport } from '../run-export/index.js';
import { desireCheck } from './checks.js';
import { fleetOf } from './claims.js';
import { commitEvents, handle } from './commit-events.js';
import { enterGroup } from './concurrency.js';
import type { Core } from './core.js';
import { onceForKey } from './request-keys.js';
import { exportRun, importRun, nameRun, requireRun } from './run-transfers.js';
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
      // All are looked at before any is stored; whose turn it is says what was stored before.
      for (const run of request.runs) this.#decide(run, {});
      requireDistinct(request);
      const { isNew, made } = onceForKey(this.#core, request.requestKey, () => {
        const runs = request.runs.map((run) => this.#begin(run, request.deliveryId));
        for (const check of request.failedChecks) {
          desireCheck(this.#core, check.source, {
            context: check.context,
            runId: undefined,
            generation: this.#core.lastRunNumber,
            desired: failedCheckState(check),
            trace: check.trace,
          });
        }
        return madeOf(request, runs);
      });
      const { runs } = made;
      if (delivery !== undefined) {
        const runIds = runs.map((run) => run.id);
        tables.deliveries.set(delivery.id, { ...delivery, ...request.outcome, nextTryAt: undefined, runIds });
      }
      return { planned: isNew, runs };
    });
  }

  #decide(run: NewRun, turn: Pick<Origin, 'held' | 'supersededBy'>): { flow: RunFlow; events: FlowEvent[] } {
    const { tables } = this.#core;
    const stored = tables.runs.get(run.runId)?.flow;
    const command: Command = { kind: 'plan', runId: run.runId, spec: run.spec, ...run.origin, ...turn };
    const events = decide(stored, command, this.#core.now().getTime());
    if (isRefusal(events)) {
      throw new SolsticeError('refused', `run ${run.runId} cannot be planned: ${events.reason}`);
    }
    if (tables.runIdsByPageKey.has(run.pageKey)) {
      throw new SolsticeError('internal', 'two runs have one page key');
    }
    return { flow: evolveAll(undefined, events), events };
  }

  #begin(run: NewRun, deliveryId: string | undefined): NewRunNumber {
    const entered = enterGroup(this.#core, run, { deliveryId, rerunOf: run.origin?.rerun?.of });
    const { flow, events } = this.#decide(run, entered.origin);
    const meta = nameRun(this.#core, run, deliveryId);
    commitEvents(this.#core, flow, meta, events, 'plan');
    if (entered.origin.supersededBy === undefined) entered.join();
    else entered.keepPlace();
    return { id: run.runId, number: meta.number, pageKey: run.pageKey };
  }

  rerun(request: RerunRequest): Promise<NewRunNumber | Refusal> {
    return this.#core.transact(() => {
      const outcome = onceForKey(this.#core, request.requestKey, () => {
        const old = requireRun(this.#core, request.runId);
        const run = rerunOf(old.flow, old.meta, request);
        return isRefusal(run) ? run : { runs: [this.#begin(run, undefined)] };
      });
      return isRefusal(outcome) ? outcome : onlyRun(outcome.made);
    });
  }

  export(runId: string, by: string): ReturnType<RunStore['export']> {
    return this.#core.transact(() => exportRun(this.#core, runId, by));
  }

  async import(request: ImportRequest): Promise<NewRunNumber | Refusal> {
    const arriving = readExport(request.document);
    return await this.#core.transact(() => {
      const outcome = onceForKey(this.#core, request.requestKey, () => {
        const run = importRun(this.#core, arriving, request);
        return isRefusal(run) ? run : { runs: [run] };
      });
      return isRefusal(outcome) ? outcome : onlyRun(outcome.made);
    });
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

  list(filter: RunFilter): Promise<RunSummary[]> {
    return this.#core.transact(() => {
      const waitsByRun = new Map<string, RunWait[]>();
      return [...this.#core.tables.runs.values()]
        .filter(({ flow, meta }) => {
          if (filter.repositoryId !== undefined && meta.source.repositoryId !== filter.repositoryId) return false;
          if (filter.states !== undefined && !filter.states.includes(flow.state)) return false;
          if (filter.beforeNumber !== undefined && meta.number >= filter.beforeNumber) return false;
          if (filter.waiting !== true) return true;
          const waits = waitsOf(flow);
          waitsByRun.set(flow.runId, waits);
          return waits.length > 0;
        })
        .sort((a, b) => b.meta.number - a.meta.number)
        .slice(0, filter.limit)
        .map(({ flow, meta }) => {
          const waits = waitsByRun.get(flow.runId);
          return { ...summaryOf(flow, meta, this.#numberOf), ...(waits && { waits }) };
        });
    });
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
      this.#numberOf,
    );
  }

  readonly #numberOf = (runId: string): number | undefined => this.#core.tables.runs.get(runId)?.meta.number;
}

/** One workflow has one run for a delivery. */
function requireDistinct(request: PlanRequest): void {
  const names = request.runs.map((run) => run.spec.workflow.name);
  const ids = request.runs.map((run) => run.runId);
  if (new Set(names).size !== names.length || new Set(ids).size !== ids.length) {
    throw new SolsticeError('internal', 'a workflow was planned twice for one delivery');
  }
}
