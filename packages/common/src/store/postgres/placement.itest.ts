import { randomInt } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SolsticeError } from '../../errors/index.js';
import type { JobSpec } from '../../flow/index.js';
import { assertReplays } from '../assert-replays.js';
import { job, offer, Scene, type TestHost } from '../contract/scene.js';
import type { Claim, Store } from '../port/index.js';
import { type PostgresUnderTest, postgresUnderTest } from './testing/postgres-under-test.js';

let under: PostgresUnderTest;
let scene: Scene;
beforeEach(async () => {
  under = await postgresUnderTest();
  scene = new Scene(under);
});
afterEach(() => under.close());

/** Empty at every moment, whoever is in the middle of what. */
const overfull = `
  select h.id, count(*)::int as workers, sum(w.cpus) as cpus, sum(w.memory_bytes)::float8 as memory_bytes
  from hosts h join workers w on w.host_id = h.id
  group by h.id
  having count(*) > h.slots or round(sum(w.cpus)::numeric, 3) > h.cpus::numeric or sum(w.memory_bytes) > h.memory_bytes`;

const doubled = `select attempt_id from workers group by attempt_id having count(*) > 1`;

async function playToItsEnd(host: TestHost, claim: Claim): Promise<void> {
  const { attempts } = host.store;
  try {
    await attempts.start(claim.fence);
    if (randomInt(8) === 0) await attempts.lose(claim.fence, 'unlucky');
    else await attempts.finish(claim.fence, { state: randomInt(10) === 0 ? 'failed' : 'succeeded' });
  } catch (error) {
    if (!(error instanceof SolsticeError) || error.code !== 'fence-lost') throw error;
  }
  await attempts.releaseWorker(claim.workerId);
}

describe('many connections', () => {
  it('that race for one attempt have one winner', async () => {
    const stores = [under.store, under.other, await under.open(), await under.open()];
    const hosts = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        scene.host(`host-${index}`, { store: stores[index % 4] ?? under.store }),
      ),
    );
    for (let round = 0; round < 5; round += 1) {
      const runId = await scene.plan(job('a'));
      const claims = (await Promise.all(hosts.map((host) => host.tryClaim()))).filter((claim) => claim !== undefined);
      expect(claims.map((claim) => claim.fence.attemptId)).toEqual([`${runId}/a/1`]);
    }
    expect(await under.query(doubled)).toEqual([]);
  });

  it('never give away more than a host has, in a storm of claims, ends and lost work on four hosts', async () => {
    const stores: Store[] = [under.store, under.other, await under.open(), await under.open()];
    const pools = [offer('default', { cpus: 0.3, memoryBytes: 7 }), offer('wide', { cpus: 2, memoryBytes: 30 })];
    const hosts: TestHost[] = [];
    for (const [index, slots] of [2, 3, 5, 9].entries()) {
      const capacity = { cpus: slots / 2, memoryBytes: slots * 20, slots };
      hosts.push(await scene.host(`host-${index}`, { pools, capacity, store: stores[index] ?? under.store }));
    }
    const kinds: Partial<JobSpec>[] = [
      {},
      { runsOn: 'wide' },
      { resources: { cpus: 0.7 } },
      { resources: { memoryBytes: 55 } },
      { resources: { cpus: 3, memoryBytes: 90 } },
      { place: { hosts: ['host-1', 'host-0'], on: 'any' } },
      { place: { hosts: ['host-3'], otherwise: 'any', on: 'infra' }, exclusive: true },
    ];
    const runIds: string[] = [];
    for (let run = 0; run < 14; run += 1) {
      runIds.push(await scene.plan(...kinds.map((kind, index) => job(`j${index}`, [], kind))));
    }
    let over = false;
    let looks = 0;
    let most = 0;
    const watch = async (): Promise<void> => {
      while (!over) {
        expect(await under.query(overfull)).toEqual([]);
        expect(await under.query(doubled)).toEqual([]);
        const [row] = await under.query<{ reserved: number }>('select count(*)::int as reserved from workers');
        most = Math.max(most, row?.reserved ?? 0);
        looks += 1;
      }
    };
    const lane = async (host: TestHost): Promise<void> => {
      while (!over) {
        const claim = await host.tryClaim();
        if (claim !== undefined) {
          await playToItsEnd(host, claim);
          continue;
        }
        over = over || (await host.store.runs.list({ states: ['queued', 'running'], limit: 1 })).length === 0;
        // A host that is kept for what waits, and what waits for its second try, take their time.
        await under.advance(1_000);
        await host.renew();
      }
    };
    await Promise.all([watch(), ...Array.from({ length: 5 }, () => hosts.map(lane)).flat()]);
    expect(looks).toBeGreaterThan(10);
    expect(most).toBeGreaterThan(4);
    expect(await under.query(overfull)).toEqual([]);
    expect(await assertReplays(under.store)).toBe(runIds.length);
    expect(await under.query('select id from workers')).toEqual([]);
  });
});

describe('code of the version before', () => {
  it('queues attempts that are claimed by what it knew of them', async () => {
    const host = await scene.host('alder', { pools: [offer('default'), offer('large')] });
    const runId = await scene.plan(job('a', [], { runsOn: 'large' }));
    await under.query('delete from attempt_progress');
    const [old] = await under.query<Record<string, unknown>>(
      `delete from attempts returning id, run_id, node_id, number, state, pool, not_before, avoid_hosts, queued_at`,
    );
    const columns = Object.keys(old ?? {});
    await under.query(
      `insert into attempts (${columns.join(', ')}) values (${columns.map((_, index) => `$${index + 1}`).join(', ')})`,
      Object.values(old ?? {}),
    );
    await under.query(`insert into attempt_progress (attempt_id) values ($1)`, [old?.id]);
    expect(await host.claim()).toMatchObject({ runId, pool: { name: 'large' } });
  });
});
