import type { Cause, Decision, NodeFlow, NodeState } from '../../flow/index.js';
import { dateOf, json, type Queryable } from './queryable.js';

interface NodeRow {
  id: string;
  state: NodeState;
  cause: Cause | null;
  ended_at: Date | null;
  outputs: Record<string, string> | null;
  tolerated: boolean;
  ready_at: Date | null;
  decisions: Decision[] | null;
  reused_from: string | null;
}

/** What events change, and the parameters that bring it: JSON travels as text, since an array of JSON would be one JSON. */
const changing = 'state, cause, ended_at, outputs, tolerated, ready_at, decisions';
const lists = '$3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::boolean[], $8::timestamptz[], $9::text[]';
const values = 'm.state, m.cause::json, m.ended_at, m.outputs::json, m.tolerated, m.ready_at, m.decisions::json';

function listsOf(nodes: readonly NodeFlow[]): unknown[][] {
  return [
    nodes.map(({ state }) => state),
    nodes.map(({ cause }) => json(cause)),
    nodes.map(({ endedAt }) => dateOf(endedAt)),
    nodes.map(({ outputs }) => json(outputs)),
    nodes.map(({ tolerated }) => tolerated === true),
    nodes.map(({ readyAt }) => dateOf(readyAt)),
    nodes.map(({ decisions }) => json(decisions)),
  ];
}

/** As they begin, in the order of the specification: what is not done again has ended before it is here. */
export async function insertNodes(tx: Queryable, runId: string, nodes: readonly NodeFlow[]): Promise<void> {
  await tx.rows(
    `insert into nodes (run_id, id, position, ${changing}, reused_from)
     select $1, m.id, m.position, ${values}, m.reused_from
     from unnest($2::text[], ${lists}, $10::uuid[])
       with ordinality as m (id, ${changing}, reused_from, position)`,
    [runId, nodes.map(({ id }) => id), ...listsOf(nodes), nodes.map(({ reusedFrom }) => reusedFrom ?? null)],
  );
}

/** Only the states: a step on the way, where one command moves a node twice. */
export async function moveNodes(
  tx: Queryable,
  runId: string,
  moves: readonly { id: string; state: string }[],
): Promise<void> {
  if (moves.length === 0) return;
  await tx.rows(
    `update nodes n set state = m.state from unnest($2::text[], $3::text[]) as m (id, state)
     where n.run_id = $1 and n.id = m.id`,
    [runId, moves.map(({ id }) => id), moves.map(({ state }) => state)],
  );
}

export async function updateNodes(tx: Queryable, runId: string, nodes: readonly NodeFlow[]): Promise<void> {
  if (nodes.length === 0) return;
  await tx.rows(
    `update nodes n set (${changing}) = row (${values})
     from unnest($2::text[], ${lists}) as m (id, ${changing})
     where n.run_id = $1 and n.id = m.id`,
    [runId, nodes.map(({ id }) => id), ...listsOf(nodes)],
  );
}

/** In the order of the specification. */
export async function readNodes(db: Queryable, runId: string): Promise<Omit<NodeFlow, 'attempts' | 'openNeeds'>[]> {
  const rows = await db.rows<NodeRow>(
    `select id, state, cause, ended_at, outputs, tolerated, ready_at, decisions, reused_from
     from nodes where run_id = $1 order by position`,
    [runId],
  );
  return rows.map((found) => ({
    id: found.id,
    state: found.state,
    ...(found.cause !== null && { cause: found.cause }),
    ...(found.outputs !== null && { outputs: found.outputs }),
    ...(found.tolerated && { tolerated: true as const }),
    ...(found.ready_at !== null && { readyAt: found.ready_at.getTime() }),
    ...(found.ended_at !== null && { endedAt: found.ended_at.getTime() }),
    ...(found.decisions !== null && { decisions: found.decisions }),
    ...(found.reused_from !== null && { reusedFrom: found.reused_from }),
  }));
}
