import { SolsticeError } from '../../errors/index.js';
import {
  type AttemptView,
  attemptsOf,
  type Command,
  decide,
  evolveAll,
  type FlowEvent,
  graphOf,
  isRefusal,
  isTerminal,
  type NodeFlow,
  type Refusal,
  type RunFlow,
  tallyOf,
} from '../../flow/index.js';
import type {
  CommandOutcome,
  ImportRequest,
  NewFailedCheck,
  NewRun,
  NewRunNumber,
  PlanRequest,
  RerunRequest,
  RunDetail,
  RunFilter,
  RunStore,
  RunSummary,
} from '../port/index.js';
import {
  detailOf,
  type Fleet,
  failedCheckState,
  keptOf,
  madeOf,
  onlyRun,
  otherRunsOf,
  rerunOf,
  waitingSteps,
  waitsOf,
} from '../projection/index.js';
import { readExport } from '../run-export/index.js';
import { readAttempts } from '../sql/attempts.js';
import { desireCheck } from '../sql/checks.js';
import { settleDelivery } from '../sql/deliveries.js';
import { readHosts } from '../sql/hosts.js';
import { readKept } from '../sql/kept-hosts.js';
import { readRunProgress } from '../sql/logs.js';
import { readNodes } from '../sql/nodes.js';
import type { Queryable } from '../sql/queryable.js';
import * as sql from '../sql/runs.js';
import { EnteredGroups } from './concurrency.js';
import type { Database, Transaction } from './database.js';
import { onceForKey } from './request-keys.js';
import type { RunCommands } from './run-commands.js';
import { exportRun, importRun } from './run-transfers.js';

export class PostgresRuns implements RunStore {
  readonly #db: Database;
  readonly #commands: RunCommands;

  constructor(db: Database, commands: RunCommands) {
    this.#db = db;
    this.#commands = commands;
  }

  plan(request: PlanRequest): ReturnType<RunStore['plan']> {
    return this.#db.transaction(async (tx) => {
      if (request.deliveryId !== undefined && !(await settleDelivery(tx, request.deliveryId, request.outcome))) {
        return { planned: false, runs: [] };
      }
      requireDistinct(request);
      const { isNew, made } = await onceForKey(tx, request.requestKey, async () => {
        const groups = await EnteredGroups.lock(tx, request.runs);
        const runs: NewRunNumber[] = [];
        for (const run of request.runs) runs.push(await this.#begin(tx, run, groups, request.deliveryId));
        for (const check of request.failedChecks) await this.#failCheck(tx, check);
        return madeOf(request, runs);
      });
      return { planned: isNew, runs: made.runs };
    });
  }

  async #begin(
    tx: Transaction,
    run: NewRun,
    groups: EnteredGroups,
    deliveryId: string | undefined,
  ): Promise<NewRunNumber> {
    const { runId, pageKey, source, trigger, checkContext, trace } = run;
    const whence = { deliveryId, rerunOf: run.origin?.rerun?.of };
    const turn = await groups.originOf(run, whence);
    const stored = await this.#commands.lock(tx, runId);
    const command: Command = { kind: 'plan', runId, spec: run.spec, ...run.origin, ...turn };
    const events = decide(stored?.flow, command, tx.now.getTime());
    if (isRefusal(events)) {
      throw new SolsticeError('refused', `run ${runId} cannot be planned: ${events.reason}`);
    }
    const flow = evolveAll(undefined, events);
    const number = await sql.insertRun(tx, run, deliveryId, flow);
    if (number === undefined) {
      throw new SolsticeError('refused', `run ${runId} cannot be planned: the run exists already`);
    }
    const meta = { number, pageKey, source, trigger, deliveryId, checkContext, ...(trace !== undefined && { trace }) };
    await this.#commands.begin(tx, { flow, meta }, events);
    if (turn.supersededBy === undefined) await groups.join(run, whence);
    else await groups.keepPlace(run, whence);
    return { id: runId, number, pageKey };
  }

  async #failCheck(tx: Transaction, check: NewFailedCheck): Promise<void> {
    const checkId = await desireCheck(tx, check.source, {
      context: check.context,
      runId: undefined,
      generation: await sql.lastRunNumber(tx),
      desired: failedCheckState(check),
      trace: check.trace,
    });
    if (checkId === undefined) return;
    await tx.send([{ kind: 'report', version: 1, forge: check.source.forge, checkId }], check.trace);
  }

  command(runId: string, command: Parameters<RunStore['command']>[1]): Promise<CommandOutcome> {
    return this.#db.transaction(async (tx) =>
      this.#commands.handle(tx, await this.#commands.require(tx, runId), command),
    );
  }

  rerun(request: RerunRequest): Promise<NewRunNumber | Refusal> {
    return this.#db.transaction(async (tx) => {
      const outcome = await onceForKey(tx, request.requestKey, async () => {
        const groups = await EnteredGroups.lockOf(tx, request.runId);
        const old = await this.#commands.require(tx, request.runId);
        const run = rerunOf(old.flow, old.meta, request);
        return isRefusal(run) ? run : { runs: [await this.#begin(tx, run, groups, undefined)] };
      });
      return isRefusal(outcome) ? outcome : onlyRun(outcome.made);
    });
  }

  export(runId: string, by: string): ReturnType<RunStore['export']> {
    return this.#db.transaction((tx) => exportRun(tx, this.#commands, runId, by));
  }

  async import(request: ImportRequest): Promise<NewRunNumber | Refusal> {
    const arriving = readExport(request.document);
    return await this.#db.transaction(async (tx) => {
      const outcome = await onceForKey(tx, request.requestKey, async () => {
        const run = await importRun(tx, this.#commands, arriving, request);
        return isRefusal(run) ? run : { runs: [run] };
      });
      return isRefusal(outcome) ? outcome : onlyRun(outcome.made);
    });
  }

  /** From the rows, not from the events: what is shown is what the indexes and the claims go by. */
  find(by: { id: string } | { number: number } | { pageKey: string }): Promise<RunDetail | undefined> {
    return this.#db.snapshot(async (tx) => {
      const row = await sql.findRun(tx, by);
      if (row === undefined) return undefined;
      const flow = await flowOfRows(tx, row);
      const views = attemptsOf(flow);
      const waiting = new Map(flow.spec.nodes.map((job) => [job.id, waitingSteps(job)]));
      const progress = await readRunProgress(
        tx,
        views.map(({ id, nodeId }) => ({ id, waiting: waiting.get(nodeId) ?? [] })),
      );
      const fleet = await fleetFor(tx, flow);
      const nothing = { steps: [], durableSeq: 0, logBytes: 0 };
      const numbers = await sql.numbersOf(tx, otherRunsOf(flow));
      return detailOf(
        flow,
        sql.metaOf(row),
        (attempt) => progress.get(attempt.id) ?? nothing,
        fleet,
        (runId) => numbers.get(runId),
      );
    });
  }

  async list(filter: RunFilter): Promise<RunSummary[]> {
    if (filter.waiting !== true) {
      return (await this.#db.direct((db) => sql.listRuns(db, filter))).map(sql.summaryOfRow);
    }
    return await this.#db.snapshot(async (tx) => {
      const summaries: RunSummary[] = [];
      for (const row of await sql.listRuns(tx, filter)) {
        summaries.push({ ...sql.summaryOfRow(row), waits: waitsOf(await flowOfRows(tx, row)) });
      }
      return summaries;
    });
  }

  events(runId: string): Promise<FlowEvent[]> {
    return this.#db.direct((db) => sql.readEvents(db, runId, 0));
  }
}

async function flowOfRows(db: Queryable, row: sql.RunRow): Promise<RunFlow> {
  const planned = await sql.readPlanned(db, row.id);
  if (planned?.kind !== 'run.planned') {
    throw new SolsticeError('internal', `run ${row.id} does not begin with its plan`);
  }
  const { spec } = planned;
  const attempts = new Map<string, AttemptView[]>();
  for (const attempt of await readAttempts(db, row.id)) {
    attempts.set(attempt.nodeId, [...(attempts.get(attempt.nodeId) ?? []), attempt]);
  }
  const rows = await readNodes(db, row.id);
  const texts = spec.nodes.some((node) => 'late' in node) ? await sql.readTexts(db, row.id) : undefined;
  const open = new Set(rows.filter(({ state }) => !isTerminal(state)).map(({ id }) => id));
  const nodes = rows.map((node): NodeFlow => {
    const openNeeds = graphOf(spec)
      .needs(node.id)
      .filter((need) => open.has(need)).length;
    const known = texts?.get(node.id);
    return { ...node, ...(known && { texts: known }), attempts: attempts.get(node.id) ?? [], openNeeds };
  });
  // Once it has started, nothing asks for it any more.
  const isAsked = spec.concurrency !== undefined && row.started_at === null && !row.held;
  const admittedAt = isAsked ? await sql.readAdmittedAt(db, row.id) : undefined;
  return {
    runId: row.id,
    seq: row.seq,
    state: row.state,
    spec,
    ...(admittedAt !== undefined && { admittedAt }),
    ...tallyOf(spec, nodes),
    ...(row.held && { held: true as const }),
    ...sql.rerunOf(row),
    ...(row.cancel_requested !== null && { cancelRequested: row.cancel_requested }),
    ...(row.cause !== null && { cause: row.cause }),
    createdAt: row.created_at.getTime(),
    ...(row.started_at !== null && { startedAt: row.started_at.getTime() }),
    ...(row.ended_at !== null && { endedAt: row.ended_at.getTime() }),
  };
}

/** What the hosts are asked, where something is queued. */
async function fleetFor(tx: Queryable & { now: Date }, flow: RunFlow): Promise<Fleet | undefined> {
  if (!attemptsOf(flow).some(({ state }) => state === 'queued')) return undefined;
  const hosts = await readHosts(tx, tx.now);
  return { hosts, kept: keptOf(await readKept(tx), hosts), now: tx.now };
}

/** One workflow has one run for a delivery. */
function requireDistinct(request: PlanRequest): void {
  const names = request.runs.map((run) => run.spec.workflow.name);
  const ids = request.runs.map((run) => run.runId);
  if (new Set(names).size !== names.length || new Set(ids).size !== ids.length) {
    throw new SolsticeError('internal', 'a workflow was planned twice for one delivery');
  }
}
