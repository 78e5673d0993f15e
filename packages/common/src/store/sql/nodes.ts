import type { Cause, NodeFlow, NodeState } from '../../flow/index.js';
import { dateOf, json, type Queryable } from './queryable.js';

interface NodeRow {
  id: string;
  state: NodeState;
  cause: Cause | null;
  ended_at: Date | null;
  outputs: Record<string, string> | null;
  tolerated: boolean;
  ready_at: Date | null;
}

/** All of them `waiting`, as they are planned. */
export async function insertNodes(tx: Queryable, runId: string, ids: readonly string[]): Promise<void> {
  await tx.rows(
    `insert into nodes (run_id, id, position, state)
     select $1, n.id, n.position, 'waiting' from unnest($2::text[]) with ordinality as n (id, position)`,
    [runId, ids],
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
    `update nodes n set state = m.state, cause = m.cause::json, ended_at = m.ended_at, outputs = m.outputs::json,
       tolerated = m.tolerated, ready_at = m.ready_at
     from unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::boolean[], $8::timestamptz[])
       as m (id, state, cause, ended_at, outputs, tolerated, ready_at)
     where n.run_id = $1 and n.id = m.id`,
    [
      runId,
      nodes.map(({ id }) => id),
      nodes.map(({ state }) => state),
      nodes.map(({ cause }) => json(cause)),
      nodes.map(({ endedAt }) => dateOf(endedAt)),
      nodes.map(({ outputs }) => json(outputs)),
      nodes.map(({ tolerated }) => tolerated === true),
      nodes.map(({ readyAt }) => dateOf(readyAt)),
    ],
  );
}

/** In the order of the specification. */
export async function readNodes(db: Queryable, runId: string): Promise<Omit<NodeFlow, 'attempts' | 'openNeeds'>[]> {
  const rows = await db.rows<NodeRow>(
    'select id, state, cause, ended_at, outputs, tolerated, ready_at from nodes where run_id = $1 order by position',
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
  }));
}
