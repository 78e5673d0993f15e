import type { CancelIntent, Cause, FlowEvent, RerunOf, RunFlow, RunState } from '../../flow/index.js';
import type { TraceContext } from '../../telemetry/index.js';
import type { NewRun, RunFilter, RunSummary, SourceRef } from '../port/index.js';
import { cancelOf, type RunMeta } from '../projection/index.js';
import { dateOf, isRowId, isUuid, json, type Queryable, row } from './queryable.js';

export interface RunRow {
  id: string;
  number: number;
  page_key: string;
  delivery_id: string | null;
  workflow_name: string;
  check_context: string;
  source: SourceRef;
  trigger: { event: string; actor: string };
  state: RunState;
  seq: number;
  open_nodes: number;
  cancel_requested: CancelIntent | null;
  cause: Cause | null;
  created_at: Date;
  started_at: Date | null;
  ended_at: Date | null;
  trace: TraceContext | null;
  rerun_of: string | null;
  /** Of `rerun_of`; null: it is not here. */
  rerun_of_number: number | null;
  generation: number | null;
  rerun_by: string | null;
  held: boolean;
}

const columns = `r.id, r.number, r.page_key, r.delivery_id::text, r.workflow_name, r.check_context, r.source, r.trigger,
  r.state, r.seq, r.open_nodes, r.cancel_requested, r.cause, r.created_at, r.started_at, r.ended_at, r.trace,
  r.rerun_of, r.generation, r.rerun_by, r.held, (select o.number from runs o where o.id = r.rerun_of) as rerun_of_number`;

export function metaOf(found: RunRow): RunMeta {
  return {
    number: found.number,
    pageKey: found.page_key,
    source: { ...found.source, before: found.source.before, title: found.source.title },
    trigger: found.trigger,
    deliveryId: found.delivery_id ?? undefined,
    checkContext: found.check_context,
    ...(found.trace !== null && { trace: found.trace }),
  };
}

export function summaryOfRow(found: RunRow): RunSummary {
  const { source, trigger, pageKey, deliveryId } = metaOf(found);
  return {
    id: found.id,
    number: found.number,
    workflow: found.workflow_name,
    state: found.state,
    cause: found.cause ?? undefined,
    source,
    trigger,
    pageKey,
    deliveryId,
    cancelRequested: found.cancel_requested === null ? undefined : cancelOf(found.cancel_requested),
    ...rerunOf(found),
    ...(found.held && { held: true as const }),
    createdAt: found.created_at,
    startedAt: found.started_at ?? undefined,
    endedAt: found.ended_at ?? undefined,
  };
}

/** What it does again, where it does. */
export function rerunOf(found: RunRow): { rerun?: RerunOf & { number?: number } } {
  const { rerun_of, generation, rerun_by, rerun_of_number } = found;
  if (rerun_of === null || generation === null) return {};
  const number = rerun_of_number === null ? {} : { number: rerun_of_number };
  return { rerun: { of: rerun_of, generation, by: rerun_by ?? '', ...number } };
}

/** The run's row, locked until the end of the transaction. Undefined: there is none, or (`skipLocked`) somebody has it. */
export async function lockRun(
  tx: Queryable,
  id: string,
  options: { skipLocked?: boolean } = {},
): Promise<RunRow | undefined> {
  if (!isUuid(id)) return undefined;
  const lock = options.skipLocked === true ? 'for no key update skip locked' : 'for no key update';
  return await row<RunRow>(tx, `select ${columns} from runs r where r.id = $1 ${lock}`, [id]);
}

export async function findRun(
  db: Queryable,
  by: { id: string } | { number: number } | { pageKey: string },
): Promise<RunRow | undefined> {
  if ('id' in by) {
    return isUuid(by.id) ? await row(db, `select ${columns} from runs r where r.id = $1`, [by.id]) : undefined;
  }
  if ('number' in by) {
    if (!Number.isSafeInteger(by.number)) return undefined;
    return await row(db, `select ${columns} from runs r where r.number = $1`, [by.number]);
  }
  return await row(db, `select ${columns} from runs r where r.page_key = $1`, [by.pageKey]);
}

/** Newest first. `waiting`: those which wait for something that is no host. */
export async function listRuns(db: Queryable, filter: RunFilter): Promise<RunRow[]> {
  if (filter.repositoryId !== undefined && !isRowId(filter.repositoryId)) return [];
  return await db.rows<RunRow>(
    `select ${columns} from runs r
     where ($1::bigint is null or r.repository_id = $1)
       and ($2::text[] is null or r.state = any($2))
       and ($3::bigint is null or r.number < $3)
       ${filter.waiting === true ? `and ${waits}` : ''}
     order by r.number desc limit $4`,
    [filter.repositoryId, filter.states, filter.beforeNumber, filter.limit],
  );
}

/** A node that runs without an attempt is a wait or a gate; what has a backoff is queued, and not due yet. */
const waits = `r.state in ('blocked', 'queued', 'running') and (
  r.state = 'blocked' or r.held
  or exists (select from attempts a where a.run_id = r.id and a.state = 'queued' and a.not_before > a.queued_at and not a.due)
  or exists (
    select from nodes n where n.run_id = r.id and n.state = 'running' and not exists (
      select from attempts a
      where a.run_id = n.run_id and a.node_id = n.id and a.state in ('queued', 'claimed', 'running')
    )
  )
)`;

/** Answers the number given to the run; undefined: there is one with this id. Its state, and all that its later events change, is set with updateRun. */
export async function insertRun(
  tx: Queryable,
  run: Omit<NewRun, 'origin'>,
  deliveryId: string | undefined,
  flow: RunFlow,
): Promise<number | undefined> {
  const inserted = await row<{ number: number }>(
    tx,
    `insert into runs (id, page_key, repository_id, delivery_id, workflow_name, check_context, source, trigger, state,
       seq, open_nodes, created_at, trace, rerun_of, generation, rerun_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8, 'queued', 0, 0, $9, $10, $11, $12, $13)
     on conflict (id) do nothing
     returning number`,
    [
      run.runId,
      run.pageKey,
      run.source.repositoryId,
      deliveryId,
      run.spec.workflow.name,
      run.checkContext,
      json(run.source),
      json(run.trigger),
      new Date(flow.createdAt),
      json(run.trace),
      flow.rerun?.of ?? null,
      flow.rerun?.generation ?? null,
      flow.rerun?.by ?? null,
    ],
  );
  return inserted?.number;
}

/** Only the state: a step on the way, where one command moves a run twice. */
export async function moveRun(tx: Queryable, id: string, state: string): Promise<void> {
  await tx.rows('update runs set state = $2 where id = $1', [id, state]);
}

export async function updateRun(tx: Queryable, run: RunFlow): Promise<void> {
  await tx.rows(
    `update runs set state = $2, seq = $3, open_nodes = $4, cancel_requested = $5, cause = $6, started_at = $7,
       ended_at = $8, held = $9
     where id = $1`,
    [
      run.runId,
      run.state,
      run.seq,
      run.openNodes,
      json(run.cancelRequested),
      json(run.cause),
      dateOf(run.startedAt),
      dateOf(run.endedAt),
      run.held === true,
    ],
  );
}

/** The numbers of those of these runs that are here. */
export async function numbersOf(db: Queryable, ids: readonly string[]): Promise<Map<string, number>> {
  if (ids.length === 0) return new Map();
  const rows = await db.rows<{ id: string; number: number }>('select id, number from runs where id = any($1::uuid[])', [
    ids,
  ]);
  return new Map(rows.map(({ id, number }) => [id, number]));
}

/** The highest number of a run so far; 0: none. */
export async function lastRunNumber(db: Queryable): Promise<number> {
  const found = await row<{ number: number | null }>(db, 'select max(number) as number from runs');
  return found?.number ?? 0;
}

export async function insertEvents(tx: Queryable, runId: string, events: readonly FlowEvent[]): Promise<void> {
  await tx.rows(
    `insert into run_events (run_id, seq, event)
     select $1, e.seq, e.event::json from unnest($2::int[], $3::text[]) as e (seq, event)`,
    [runId, events.map(({ seq }) => seq), events.map((event) => JSON.stringify(event))],
  );
}

/** In order, those after `afterSeq`. */
export async function readEvents(db: Queryable, runId: string, afterSeq: number): Promise<FlowEvent[]> {
  if (!isUuid(runId)) return [];
  const rows = await db.rows<{ event: FlowEvent }>(
    'select event from run_events where run_id = $1 and seq > $2 order by seq',
    [runId, afterSeq],
  );
  return rows.map(({ event }) => event);
}

/** The first event: it has the specification. */
export async function readPlanned(db: Queryable, runId: string): Promise<FlowEvent | undefined> {
  const found = await row<{ event: FlowEvent }>(db, 'select event from run_events where run_id = $1 and seq = 1', [
    runId,
  ]);
  return found?.event;
}

/**
 * By its text, as it was stored: PostgreSQL takes apart no event that has a NUL or half of a character anywhere in it, and
 * what workers print as they die, or jobs hand on, may have either. Whoever reads it looks at the event itself, too: a
 * variable may be called `kind`.
 */
function isKind(kind: FlowEvent['kind']): string {
  return `event::text like '%"kind":"${kind}"%'`;
}

/** What the late texts of its nodes came to, by their ids. */
export async function readTexts(db: Queryable, runId: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const text = `select event from run_events
    where run_id = $1 and ${isKind('node.readied')} and event::text like '%"texts":%'`;
  const rows = await db.rows<{ event: FlowEvent }>(text, [runId]);
  return new Map(
    rows.flatMap(({ event }): [string, readonly string[]][] =>
      event.kind === 'node.readied' && event.texts !== undefined ? [[event.nodeId, event.texts]] : [],
    ),
  );
}

/** When its turn in its concurrency group came; undefined: it has not, or it did not wait for it. */
export async function readAdmittedAt(db: Queryable, runId: string): Promise<number | undefined> {
  const text = `select event from run_events where run_id = $1 and ${isKind('run.admitted')}`;
  const rows = await db.rows<{ event: FlowEvent }>(text, [runId]);
  return rows.find(({ event }) => event.kind === 'run.admitted')?.event.at;
}
