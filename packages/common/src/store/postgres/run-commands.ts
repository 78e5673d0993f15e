import { SolsticeError } from '../../errors/index.js';
import {
  type AttemptView,
  attemptOf,
  attemptsOf,
  type Command,
  checkOf,
  decide,
  effects,
  evolveAll,
  type FlowEvent,
  isRefusal,
  type NodeFlow,
  nodeOf,
  nodesOf,
  parseAttemptId,
  type RunFlow,
  timersOf,
} from '../../flow/index.js';
import type { Message } from '../../messages/index.js';
import type { CommandOutcome } from '../port/index.js';
import {
  generationOf,
  lastLine,
  leavesGroup,
  needsOf,
  needsText,
  type RunMeta,
  sameCheck,
  type Touched,
  timerChanges,
  touchedBy,
} from '../projection/index.js';
import { messagesOf } from '../run-export/index.js';
import * as attempts from '../sql/attempts.js';
import * as checks from '../sql/checks.js';
import * as logs from '../sql/logs.js';
import * as nodes from '../sql/nodes.js';
import * as runs from '../sql/runs.js';
import * as timers from '../sql/timers.js';
import * as workers from '../sql/workers.js';
import type { Transaction } from './database.js';
import type { FlowCache } from './flow-cache.js';
import { type Move, movesOf } from './moves.js';

/** Empty, which is no run's id, for what is no attempt's id. */
export function runIdOf(attemptId: string): string {
  return parseAttemptId(attemptId)?.runId ?? '';
}

/** A run that this transaction has locked, with the state that its events come to. */
export interface LockedRun {
  flow: RunFlow;
  meta: RunMeta;
}

/** The one way to change a run: every command, whoever gives it, goes through `handle` under the run's lock. */
export class RunCommands {
  readonly #cache: FlowCache;

  constructor(cache: FlowCache) {
    this.#cache = cache;
  }

  /** Undefined: there is no such run, or (`skipLocked`) another transaction has it. */
  async lock(tx: Transaction, runId: string, options: { skipLocked?: boolean } = {}): Promise<LockedRun | undefined> {
    const row = await runs.lockRun(tx, runId, options);
    if (row === undefined) return undefined;
    return { flow: await this.#load(tx, row.id, row.seq), meta: runs.metaOf(row) };
  }

  /** The run that an attempt belongs to. */
  async lockOfAttempt(tx: Transaction, attemptId: string): Promise<LockedRun | undefined> {
    return await this.lock(tx, runIdOf(attemptId));
  }

  async require(tx: Transaction, runId: string): Promise<LockedRun> {
    const run = await this.lock(tx, runId);
    if (run === undefined) throw new SolsticeError('not-found', `there is no run ${runId}`);
    return run;
  }

  /** Decides, and stores what it causes. A refusal stores nothing. */
  async handle(tx: Transaction, run: LockedRun, command: Command): Promise<CommandOutcome> {
    const events = decide(run.flow, command, tx.now.getTime());
    if (isRefusal(events)) return events;
    if (events.length === 0) return { events, state: run.flow };
    const before = run.flow;
    run.flow = evolveAll(before, events);
    await this.#commit(tx, run, before, events, command.kind);
    return { events, state: run.flow };
  }

  /** The first events of a run whose row was just made. */
  async begin(tx: Transaction, run: LockedRun, events: readonly FlowEvent[]): Promise<void> {
    await nodes.insertNodes(tx, run.flow.runId, nodesOf(evolveAll(undefined, events.slice(0, 1))));
    await this.#commit(tx, run, undefined, events, 'plan');
  }

  /**
   * All of a run that comes from elsewhere, whose row was just made. Nothing of it moves: its rows are as its events have
   * left them, and whoever has to hear of what is queued hears of it again.
   */
  async adopt(tx: Transaction, run: LockedRun, events: readonly FlowEvent[]): Promise<void> {
    const { flow, meta } = run;
    await runs.insertEvents(tx, flow.runId, events);
    for (const state of movesOf(events).runOnTheWay) await runs.moveRun(tx, flow.runId, state);
    await runs.updateRun(tx, flow);
    await nodes.insertNodes(tx, flow.runId, nodesOf(flow));
    const views = attemptsOf(flow);
    await attempts.insertAttempts(
      tx,
      flow.runId,
      views.map((view) => ({ ...view, needs: needsText(needsOf(flow, view)) })),
    );
    await attempts.updateAttempts(tx, views);
    await timers.setTimers(tx, flow.runId, timersOf(flow));
    tx.touch('timers');
    const messages: Message[] = messagesOf(flow, events);
    const report = await this.#desire(tx, meta, flow, undefined);
    if (report !== undefined) messages.push(report);
    await tx.send(messages, meta.trace);
    tx.touch(`run:${flow.runId}`);
  }

  async #load(tx: Transaction, runId: string, seq: number): Promise<RunFlow> {
    const cached = this.#cache.get(runId);
    if (cached?.seq === seq) return cached;
    const known = cached !== undefined && cached.seq < seq ? cached : undefined;
    const newer = await runs.readEvents(tx, runId, known?.seq ?? 0);
    const flow = evolveAll(known, newer);
    if (flow.seq !== seq) {
      throw new SolsticeError('internal', `run ${runId} is at ${seq}, its events at ${flow.seq}`);
    }
    // Not before the commit: what this transaction itself has appended may still be undone.
    tx.afterCommit(() => this.#cache.set(flow));
    return flow;
  }

  async #commit(
    tx: Transaction,
    run: LockedRun,
    before: RunFlow | undefined,
    events: readonly FlowEvent[],
    commandKind: Command['kind'],
  ): Promise<void> {
    const { flow, meta } = run;
    const touched = touchedBy(flow, events, commandKind);
    await runs.insertEvents(tx, flow.runId, events);
    await project(tx, flow, touched, events);
    const changed = timerChanges(before, flow, touched.nodeIds);
    await timers.deleteTimers(tx, changed.gone);
    await timers.setTimers(tx, flow.runId, changed.set);
    if (changed.set.length > 0) tx.touch('timers');
    if (leavesGroup(flow)) tx.touch('concurrency');
    await workers.deleteLeases(tx, touched.endedAttemptIds);
    for (const attemptId of touched.silencedAttemptIds) await sayLastLine(tx, flow, attemptId);
    const messages: Message[] = effects(flow, events);
    const report = await this.#desire(tx, meta, flow, before);
    if (report !== undefined) messages.push(report);
    await tx.send(messages, meta.trace);
    tx.touch(`run:${flow.runId}`);
    for (const attemptId of touched.attemptIds) tx.touch(`attempt:${attemptId}`);
    tx.afterCommit(() => this.#cache.set(flow));
  }

  async #desire(
    tx: Transaction,
    meta: RunMeta,
    flow: RunFlow,
    before: RunFlow | undefined,
  ): Promise<Message | undefined> {
    const desired = checkOf(flow, meta);
    if (before !== undefined && sameCheck(checkOf(before, meta), desired)) return undefined;
    const checkId = await checks.desireCheck(tx, meta.source, {
      context: meta.checkContext,
      runId: flow.runId,
      generation: generationOf(meta.number, before, flow),
      desired,
      trace: meta.trace,
    });
    return checkId === undefined ? undefined : { kind: 'report', version: 1, forge: meta.source.forge, checkId };
  }
}

/**
 * Makes the rows of run, nodes and attempts what the events come to. The database allows legal moves only, so a row
 * that one command moves twice is moved twice. Ended attempts go before the ones that are queued in their place: a node
 * has one live attempt at a time.
 */
async function project(tx: Transaction, flow: RunFlow, touched: Touched, events: readonly FlowEvent[]): Promise<void> {
  const { runId } = flow;
  const moves = movesOf(events);
  for (const layer of moves.runOnTheWay) await runs.moveRun(tx, runId, layer);
  await runs.updateRun(tx, flow);

  for (const layer of layersOf(moves.nodesOnTheWay)) await nodes.moveNodes(tx, runId, layer);
  const changedNodes = touched.nodeIds.filter((id) => moves.nodes.has(id));
  await nodes.updateNodes(tx, runId, changedNodes.map((id) => nodeOf(flow, id)).filter(isNode));

  const views = touched.attemptIds.map((id) => attemptOf(flow, id)).filter(isAttempt);
  const isNew = (view: AttemptView): boolean => moves.queuedAttempts.has(view.id);
  const old = new Set(views.filter((view) => !isNew(view)).map(({ id }) => id));
  const onTheWay = layersOf(moves.attemptsOnTheWay);
  for (const layer of onTheWay)
    await attempts.moveAttempts(
      tx,
      layer.filter(({ id }) => old.has(id)),
    );
  await attempts.updateAttempts(
    tx,
    views.filter((view) => !isNew(view)),
  );
  await attempts.insertAttempts(
    tx,
    runId,
    views.filter(isNew).map((view) => ({ ...view, state: 'queued' as const, needs: needsText(needsOf(flow, view)) })),
  );
  for (const layer of onTheWay)
    await attempts.moveAttempts(
      tx,
      layer.filter(({ id }) => !old.has(id)),
    );
  await attempts.updateAttempts(
    tx,
    views.filter((view) => isNew(view) && view.state !== 'queued'),
  );
}

/** First moves of all rows, then second moves of all, … */
function layersOf(chains: ReadonlyMap<string, readonly string[]>): Move[][] {
  const depth = Math.max(0, ...[...chains.values()].map((chain) => chain.length));
  return Array.from({ length: depth }, (_, layer) =>
    [...chains].flatMap(([id, chain]) => {
      const state = chain[layer];
      return state === undefined ? [] : [{ id, state }];
    }),
  );
}

/** The lease is gone and locked: no record of the runner can come in between any more. */
async function sayLastLine(tx: Transaction, flow: RunFlow, attemptId: string): Promise<void> {
  const attempt = attemptOf(flow, attemptId);
  const progress = (await logs.readProgress(tx, [attemptId])).get(attemptId);
  if (attempt === undefined || progress === undefined) return;
  const line = lastLine(attempt, progress.durableSeq, await logs.lastStep(tx, attemptId), tx.now);
  await logs.insertChunks(tx, attemptId, [line]);
  await logs.updateProgress(tx, attemptId, { durableSeq: line.seq, addedBytes: line.data.byteLength });
}

function isNode(node: NodeFlow | undefined): node is NodeFlow {
  return node !== undefined;
}

function isAttempt(attempt: AttemptView | undefined): attempt is AttemptView {
  return attempt !== undefined;
}
