import type { Fence, LogChunkRecord, LogStreamName, StepRecord } from '../port/index.js';
import type { AttemptProgress } from '../projection/index.js';
import { type Queryable, row } from './queryable.js';

/**
 * How far the attempt's records are stored, locked: one write of them at a time. With the fence, which is held until
 * the end of the transaction as well; undefined: it no longer holds.
 */
export async function lockProgress(tx: Queryable, fence: Fence): Promise<number | undefined> {
  const found = await row<{ durable_seq: number }>(
    tx,
    `select p.durable_seq from leases l join attempt_progress p on p.attempt_id = l.attempt_id
     where l.attempt_id = $1 and l.host_id = $2 and l.instance = $3 and l.epoch = $4
     for share of l for update of p`,
    [fence.attemptId, fence.hostId, fence.instance, fence.epoch],
  );
  return found?.durable_seq;
}

/** The same, of several attempts, by those who hold their run's lock. */
export async function readProgress(
  db: Queryable,
  attemptIds: readonly string[],
): Promise<Map<string, { durableSeq: number; logBytes: number }>> {
  const rows = await db.rows<{ attempt_id: string; durable_seq: number; log_bytes: number }>(
    'select attempt_id, durable_seq, log_bytes from attempt_progress where attempt_id = any($1::text[])',
    [attemptIds],
  );
  return new Map(rows.map((found) => [found.attempt_id, { durableSeq: found.durable_seq, logBytes: found.log_bytes }]));
}

export async function insertChunks(tx: Queryable, attemptId: string, chunks: readonly LogChunkRecord[]): Promise<void> {
  if (chunks.length === 0) return;
  // One binary value, cut up by the server: arrays of bytea travel as hexadecimal text.
  const bodies = chunks.map(({ data }) => data);
  let offset = 1;
  const offsets = bodies.map((data) => {
    const at = offset;
    offset += data.byteLength;
    return at;
  });
  await tx.rows(
    `insert into log_chunks (attempt_id, seq, step, stream, at, body)
     select $1, c.seq, c.step, c.stream, c.at, substring($2::bytea from c.start for c.size)
     from unnest($3::bigint[], $4::int[], $5::text[], $6::timestamptz[], $7::int[], $8::int[])
       as c (seq, step, stream, at, start, size)`,
    [
      attemptId,
      Buffer.concat(bodies),
      chunks.map(({ seq }) => seq),
      chunks.map(({ step }) => step),
      chunks.map(({ stream }) => stream),
      chunks.map(({ at }) => at),
      offsets,
      bodies.map((data) => data.byteLength),
    ],
  );
}

export async function updateProgress(
  tx: Queryable,
  attemptId: string,
  to: { durableSeq: number; addedBytes: number },
): Promise<void> {
  await tx.rows('update attempt_progress set durable_seq = $2, log_bytes = log_bytes + $3 where attempt_id = $1', [
    attemptId,
    to.durableSeq,
    to.addedBytes,
  ]);
}

export async function readChunks(
  db: Queryable,
  attemptId: string,
  options: { afterSeq: number; limit: number },
): Promise<LogChunkRecord[]> {
  const rows = await db.rows<{ seq: number; step: number; stream: LogStreamName; at: Date; body: Buffer }>(
    `select seq, step, stream, at, body from log_chunks
     where attempt_id = $1 and seq > $2 order by seq limit $3`,
    [attemptId, options.afterSeq, options.limit],
  );
  return rows.map(({ seq, step, stream, at, body }) => ({ seq, step, stream, at, data: new Uint8Array(body) }));
}

/** The end of a log: whole pieces, of no more than so many bytes. */
export async function readTail(db: Queryable, attemptId: string, mostBytes: number): Promise<LogChunkRecord[]> {
  if (mostBytes <= 0) return [];
  const rows = await db.rows<{ seq: number; step: number; stream: LogStreamName; at: Date; body: Buffer }>(
    `select seq, step, stream, at, body from log_chunks
     where attempt_id = $1 and seq in (
       select seq from (
         select seq, sum(octet_length(body)) over (order by seq desc) as bytes from log_chunks where attempt_id = $1
       ) as pieces where bytes <= $2
     ) order by seq`,
    [attemptId, mostBytes],
  );
  return rows.map(({ seq, step, stream, at, body }) => ({ seq, step, stream, at, data: new Uint8Array(body) }));
}

type StepChange = { index: number } & Partial<StepRecord>;

/** A field that is absent keeps what is stored. */
export async function changeStep(tx: Queryable, attemptId: string, change: StepChange): Promise<void> {
  await tx.rows(
    `insert into attempt_steps as s (attempt_id, step, state, exit_code, signal, started_at, ended_at)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (attempt_id, step) do update set
       state = excluded.state,
       exit_code = coalesce(excluded.exit_code, s.exit_code),
       signal = coalesce(excluded.signal, s.signal),
       started_at = coalesce(excluded.started_at, s.started_at),
       ended_at = coalesce(excluded.ended_at, s.ended_at)`,
    [
      attemptId,
      change.index,
      change.state ?? 'waiting',
      change.exitCode,
      change.signal,
      change.startedAt,
      change.endedAt,
    ],
  );
}

/** The last step that is known to have begun; 0: none. */
export async function lastStep(db: Queryable, attemptId: string): Promise<number> {
  const found = await row<{ step: number | null }>(
    db,
    'select max(step) as step from attempt_steps where attempt_id = $1',
    [attemptId],
  );
  return found?.step ?? 0;
}

interface StepRow {
  attempt_id: string;
  step: number;
  state: StepRecord['state'];
  exit_code: number | null;
  signal: string | null;
  started_at: Date | null;
  ended_at: Date | null;
}

/** What is stored of each attempt of a run. `waiting` are its steps before they began, which have no rows. */
export async function readRunProgress(
  db: Queryable,
  attempts: readonly { id: string; waiting: readonly StepRecord[] }[],
): Promise<Map<string, AttemptProgress>> {
  const ids = attempts.map(({ id }) => id);
  const progress = await readProgress(db, ids);
  const steps = await db.rows<StepRow>(
    `select attempt_id, step, state, exit_code, signal, started_at, ended_at
     from attempt_steps where attempt_id = any($1::text[])`,
    [ids],
  );
  const byKey = new Map(steps.map((step) => [`${step.attempt_id} ${step.step}`, step]));
  return new Map(
    attempts.map(({ id, waiting }) => {
      const { durableSeq, logBytes } = progress.get(id) ?? { durableSeq: 0, logBytes: 0 };
      const settled = waiting.map((step) => stepOf(step, byKey.get(`${id} ${step.index}`)));
      return [id, { steps: settled, durableSeq, logBytes }];
    }),
  );
}

function stepOf(waiting: StepRecord, found: StepRow | undefined): StepRecord {
  if (found === undefined) return waiting;
  return {
    ...waiting,
    state: found.state,
    exitCode: found.exit_code ?? undefined,
    signal: found.signal ?? undefined,
    startedAt: found.started_at ?? undefined,
    endedAt: found.ended_at ?? undefined,
  };
}
