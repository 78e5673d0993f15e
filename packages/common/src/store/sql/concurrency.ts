import type { GroupMember } from '../port/index.js';
import { isRowId, isUuid, type Queryable, row } from './queryable.js';

export interface GroupRow {
  id: string;
  repositoryId: string;
  name: string;
}

/** Makes the group if there is none, and locks it until the end of the transaction. */
export async function lockGroup(tx: Queryable, repositoryId: string, name: string): Promise<GroupRow> {
  const found = await row<{ id: string }>(
    tx,
    `insert into concurrency_groups (repository_id, name) values ($1, $2)
     on conflict on constraint concurrency_groups_name do update set name = excluded.name
     returning id::text`,
    [repositoryId, name],
  );
  if (found === undefined) throw new Error('an upsert gave no row');
  return { id: found.id, repositoryId, name };
}

/** Undefined: it is gone, or somebody has it. */
export async function tryLockGroup(tx: Queryable, id: string): Promise<GroupRow | undefined> {
  const found = await row<{ repository_id: string; name: string }>(
    tx,
    'select repository_id::text, name from concurrency_groups where id = $1 for update skip locked',
    [id],
  );
  return found && { id, repositoryId: found.repository_id, name: found.name };
}

export async function findGroup(db: Queryable, repositoryId: string, name: string): Promise<string | undefined> {
  if (!isRowId(repositoryId)) return undefined;
  const found = await row<{ id: string }>(
    db,
    'select id::text from concurrency_groups where repository_id = $1 and name = $2',
    [repositoryId, name],
  );
  return found?.id;
}

/** In the order of the group. */
export async function readMembers(db: Queryable, groupId: string): Promise<GroupMember[]> {
  return await db.rows<GroupMember>(
    `select m.run_id as "runId", m.workflow, m.policy, m.event_order as "eventOrder", m.entered, r.held,
       r.ended_at is not null as ended, m.superseded
     from concurrency_members m join runs r on r.id = m.run_id
     where m.group_id = $1 order by m.event_order, m.entered`,
    [groupId],
  );
}

export async function insertMember(
  tx: Queryable,
  groupId: string,
  member: Pick<GroupMember, 'runId' | 'workflow' | 'policy' | 'eventOrder'>,
): Promise<void> {
  const { runId, workflow, policy, eventOrder } = member;
  await tx.rows(
    `insert into concurrency_members (run_id, group_id, event_order, workflow, policy) values ($1, $2, $3, $4, $5)`,
    [runId, groupId, eventOrder, workflow, policy],
  );
}

export async function setEventOrder(tx: Queryable, runId: string, eventOrder: number): Promise<void> {
  await tx.rows('update runs set event_order = $2 where id = $1', [runId, eventOrder]);
}

export async function markSuperseded(tx: Queryable, runId: string): Promise<void> {
  await tx.rows('update concurrency_members set superseded = true where run_id = $1', [runId]);
}

/** The group goes with its last member. Gives how many went, the group among them. */
export async function removeMembers(tx: Queryable, groupId: string, runIds: readonly string[]): Promise<number> {
  const members =
    runIds.length === 0
      ? []
      : await tx.rows(
          'delete from concurrency_members where group_id = $1 and run_id = any($2::uuid[]) returning run_id',
          [groupId, runIds],
        );
  const groups = await tx.rows(
    `delete from concurrency_groups g where g.id = $1
       and not exists (select from concurrency_members m where m.group_id = g.id)
     returning g.id`,
    [groupId],
  );
  return members.length + groups.length;
}

/** The place in the inbox of what does not come from it: after all that is in it, before all that is still to come. */
export async function nextEventOrder(tx: Queryable): Promise<number> {
  const found = await row<{ next: number }>(tx, `select nextval(pg_get_serial_sequence('deliveries', 'id')) as next`);
  if (found === undefined) throw new Error('a sequence gave no number');
  return found.next;
}

/** That of the event which a run comes from; undefined: it is not known any more. */
export async function eventOrderOf(db: Queryable, runId: string): Promise<number | undefined> {
  if (!isUuid(runId)) return undefined;
  const found = await row<{ at: number | null }>(
    db,
    'select coalesce(event_order, delivery_id) as at from runs where id = $1',
    [runId],
  );
  return found?.at ?? undefined;
}

/** The oldest event of a repository that has not been planned yet. */
export async function oldestWaiting(db: Queryable, repositoryId: string): Promise<number | undefined> {
  const found = await row<{ id: number | null }>(
    db,
    `select min(id) as id from deliveries where state = 'received' and repository_id = $1`,
    [repositoryId],
  );
  return found?.id ?? undefined;
}

/**
 * Groups where there may be something to do, by projection/concurrency.ts: somebody's turn has come, somebody's place was
 * taken, or somebody may leave. Not locked: what is true is looked at under the group's lock.
 */
export async function groupsToSettle(db: Queryable, limit: number): Promise<string[]> {
  const rows = await db.rows<{ id: string }>(
    `select g.id::text from concurrency_groups g
     where (
         exists (select ${ofGroup} and r.held and r.ended_at is null)
         and not exists (select ${ofGroup} and not r.held and r.ended_at is null)
       )
       or exists (
         select ${ofGroup} and r.ended_at is null and not m.superseded and exists (
           select from concurrency_members n
           where n.group_id = g.id and n.workflow = m.workflow and n.policy = 'supersede' and n.entered > m.entered
             and n.event_order >= m.event_order
         )
       )
       or exists (
         select ${ofGroup} and r.ended_at is not null and (
           m.policy = 'queue'
           or exists (
             select from concurrency_members n
             where n.group_id = g.id and n.workflow = m.workflow and n.policy = 'supersede'
               and (n.event_order, n.entered) > (m.event_order, m.entered)
           )
           or not exists (
             select from deliveries d
             where d.state = 'received' and d.repository_id = g.repository_id and d.id <= m.event_order
           )
         )
       )
       or not exists (select from concurrency_members m where m.group_id = g.id)
     order by g.id limit $1`,
    [limit],
  );
  return rows.map(({ id }) => id);
}

const ofGroup = 'from concurrency_members m join runs r on r.id = m.run_id where m.group_id = g.id';
