import { randomInt } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SolsticeError } from '../../errors/index.js';
import { assertReplays } from '../assert-replays.js';
import { job, lines, Scene, type TestHost } from '../contract/scene.js';
import type { Claim, Store } from '../port/index.js';
import { type PostgresUnderTest, postgresUnderTest } from './testing/postgres-under-test.js';

let under: PostgresUnderTest;
let scene: Scene;
beforeEach(async () => {
  under = await postgresUnderTest();
  scene = new Scene(under);
});
afterEach(() => under.close());

/** Each is empty in every state that any order of events can leave. */
const invariants: Record<string, string> = {
  'a live attempt without its lease': `
    select id from attempts where state in ('claimed', 'running') and not exists
      (select from leases where attempt_id = attempts.id)`,
  'a lease of an attempt that is not live': `
    select attempt_id from leases join attempts on id = attempt_id where state not in ('claimed', 'running')`,
  'a lease without its reservation, or with another fence': `
    select l.attempt_id from leases l left join workers w on w.attempt_id = l.attempt_id
    where w.id is null or w.instance <> l.instance or w.epoch <> l.epoch or w.host_id <> l.host_id`,
  'a host that gave away more than it has': `
    select h.id from hosts h join workers w on w.host_id = h.id
    group by h.id having count(*) > h.slots or sum(w.cpus) > h.cpus`,
  'a hole in a log, or one that is not counted': `
    select p.attempt_id from attempt_progress p left join log_chunks c on c.attempt_id = p.attempt_id
    group by p.attempt_id having count(c.seq) <> p.durable_seq or coalesce(max(c.seq), 0) <> p.durable_seq
      or coalesce(sum(length(c.body)), 0) <> p.log_bytes`,
  'a run whose events have a hole': `
    select r.id from runs r join run_events e on e.run_id = r.id
    group by r.id having count(*) <> r.seq or max(e.seq) <> r.seq`,
  'a run that is over with a node that is not': `
    select r.id from runs r join nodes n on n.run_id = r.id
    where r.ended_at is not null and n.ended_at is null`,
};

async function assertInvariants(): Promise<void> {
  const broken: Record<string, unknown> = {};
  for (const [name, query] of Object.entries(invariants)) {
    const rows = await under.query(query);
    if (rows.length > 0) broken[name] = rows;
  }
  expect(broken).toEqual({});
}

/** Again until the answer is known, as every caller of the store does. */
async function insist<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof SolsticeError) || error.code !== 'database-unavailable') throw error;
    }
  }
}

/** Plays one attempt to some end; every call may have to be made again. */
async function play(host: TestHost, claim: Claim): Promise<void> {
  const { attempts } = host.store;
  try {
    const started = await insist(() => attempts.start(claim.fence));
    if (!('refused' in started)) {
      for (let seq = 1; seq <= 3; seq += 1) await insist(() => attempts.record(claim.fence, lines(seq, `${seq}\n`)));
    }
    if (randomInt(6) === 0) await insist(() => attempts.lose(claim.fence, 'unlucky'));
    else await insist(() => attempts.finish(claim.fence, { state: 'succeeded' }));
  } catch (error) {
    // Lost in a call that was made twice, or reaped by somebody.
    if (!(error instanceof SolsticeError) || error.code !== 'fence-lost') throw error;
  }
  await insist(() => attempts.releaseWorker(claim.workerId));
}

describe('a storm', () => {
  it('of claims, ends, cancels and killed connections leaves every run ended once, and every invariant true', async () => {
    const stores: Store[] = [under.store, under.other, await under.open()];
    const capacity = { cpus: 3, memoryBytes: 100_000_000, slots: 3 };
    const hosts: TestHost[] = [];
    for (const [index, store] of stores.entries()) hosts.push(await scene.host(`host-${index}`, { capacity, store }));
    const runIds: string[] = [];
    for (let count = 0; count < 12; count += 1) {
      runIds.push(await scene.plan(job('a'), job('b'), job('c', ['a', 'b']), job('d', ['a'])));
    }
    const open = async (): Promise<boolean> => {
      const [row] = await under.query<{ open: number }>(
        'select count(*)::int as open from runs where ended_at is null',
      );
      return (row?.open ?? 1) > 0;
    };
    let stormy = true;
    const deadline = Date.now() + 45_000;
    const lane = async (host: TestHost): Promise<void> => {
      while (stormy) {
        const request = host.request();
        const claim = await insist(() => host.store.attempts.claim(request));
        if (claim !== undefined) await play(host, claim);
        else await under.advance(500);
      }
    };
    const killer = async (): Promise<void> => {
      for (let kills = 0; stormy && kills < 150; kills += 1) {
        await under.query(`
          select pg_terminate_backend(pid) from pg_stat_activity
          where application_name = 'solstice' and datname = current_database() order by random() limit 2`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    const meddler = async (): Promise<void> => {
      for (const runId of runIds.filter((_, index) => index % 4 === 0)) {
        await insist(() => under.other.runs.command(runId, { kind: 'cancel', by: 'mara' }));
      }
      for (const host of hosts) {
        const [seen] = (await insist(() => host.store.hosts.renewals())).filter(({ id }) => id === host.id);
        if (seen !== undefined) await insist(() => host.store.hosts.reap(seen.id, seen));
        await insist(() => host.renew());
      }
    };
    const renewer = async (): Promise<void> => {
      while (stormy) {
        for (const host of hosts) await insist(() => host.renew());
        stormy = (await open()) && Date.now() < deadline;
      }
    };
    await Promise.all([...hosts, ...hosts, ...hosts].map(lane).concat(killer(), meddler(), renewer()));
    const states = await Promise.all(runIds.map(async (runId) => (await scene.run(runId)).state));
    expect(states.filter((state) => !['succeeded', 'failed', 'cancelled'].includes(state))).toEqual([]);
    expect(await assertReplays(under.store)).toBe(runIds.length);
    await assertInvariants();
    expect(await under.query('select id from workers')).toEqual([]);
  });
});
