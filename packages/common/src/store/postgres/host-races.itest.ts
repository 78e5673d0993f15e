import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assertReplays } from '../assert-replays.js';
import { job, LEASE_MS, Scene } from '../contract/scene.js';
import type { HostState } from '../port/index.js';
import { type PostgresUnderTest, postgresUnderTest } from './testing/postgres-under-test.js';

let under: PostgresUnderTest;
let scene: Scene;
beforeEach(async () => {
  under = await postgresUnderTest();
  scene = new Scene(under);
});
afterEach(() => under.close());

describe('an operator, a host that renews, and claims at once', () => {
  it('no claim is made once a cordon has been answered', async () => {
    const host = await scene.host('alder', { capacity: { cpus: 1_000, memoryBytes: 10 ** 12, slots: 1_000 } });
    for (let round = 0; round < 10; round += 1) {
      await Promise.all(Array.from({ length: 8 }, () => scene.plan(job('a'))));
      expect(await host.tryClaim()).toBeDefined();
      let cordoned = false;
      const late: boolean[] = [];
      const claimUntilCordoned = async (store = under.store): Promise<void> => {
        for (let tries = 0; tries < 4; tries += 1) {
          const after = cordoned;
          const claim = await store.attempts.claim(host.request());
          if (after) late.push(claim !== undefined);
        }
      };
      await Promise.all([
        claimUntilCordoned(),
        claimUntilCordoned(under.other),
        host.renew(),
        host.renew(),
        under.other.hosts.setState('alder', { state: 'cordoned', by: 'mara' }).then(() => {
          cordoned = true;
        }),
      ]);
      expect(await host.tryClaim()).toBeUndefined();
      expect(late.every((claimed) => !claimed)).toBe(true);
      expect(await host.renew()).toMatchObject({ state: 'cordoned' });
      await scene.store.hosts.setState('alder', { state: 'active', by: 'mara' });
    }
    await assertReplays(under.store);
  });

  it('nobody’s change is lost: state, lease and reservations are what each of them said last', async () => {
    const host = await scene.host('alder');
    const wishes: HostState[] = ['draining', 'cordoned', 'active'];
    const load = { load1: 2, memoryFreeBytes: 1, diskFreeBytes: 1 };
    const renewal = { id: 'alder', instance: host.instance, leaseMs: LEASE_MS, holding: [], notes: ['one'], load };
    for (let round = 0; round < 5; round += 1) await scene.plan(job('a'));
    const [before] = await under.store.hosts.renewals();
    await Promise.all([
      ...Array.from({ length: 15 }, (_, index) =>
        (index % 2 === 0 ? under.store : under.other).hosts.setState('alder', {
          state: wishes[index % 3] ?? 'active',
          by: `operator ${index}`,
        }),
      ),
      ...Array.from({ length: 15 }, (_, index) => (index % 2 ? under.store : under.other).hosts.renew(renewal)),
      ...Array.from({ length: 5 }, () => host.tryClaim()),
    ]);
    const [after] = await under.store.hosts.renewals();
    expect((after?.renewals ?? 0) - (before?.renewals ?? 0)).toBe(15);
    const [record] = await under.store.hosts.list();
    expect(record).toMatchObject({ notes: ['one'], load, alive: true });
    expect(record?.stateChange?.by).toMatch(/^operator/);
    const workers = await under.store.attempts.workers('alder');
    expect(record?.reserved.slots).toBe(workers.length);
    await assertReplays(under.store);
  });
});

describe('a process that does not know the new columns', () => {
  it('goes on beside us: it registers, renews and claims, and leaves what an operator set', async () => {
    const host = await scene.host('alder');
    await scene.plan(job('a'));
    await scene.store.hosts.setState('alder', {
      state: 'draining',
      by: 'mara',
      drainUntil: new Date(Date.now() + 60_000),
    });
    // The statements of 0.1 for registering again and for renewing.
    await under.query(
      `update hosts set key_hash = key_hash, instance = 'old code', cpus = 1, memory_bytes = 1, slots = 1, pools = '[]',
         notes = '{}', lease_until = lease_until, renewals = renewals + 1 where id = 'alder'`,
    );
    await under.query(`update hosts set lease_until = lease_until, notes = '{}', renewals = renewals + 1`);
    await under.query(
      `insert into hosts (id, key_hash, instance, state, cpus, memory_bytes, slots, pools, notes, renewals, lease_until,
         registered_at) values ('birch', '\\x00', 'i', 'active', 1, 1, 1, '[]', '{}', 1, now(), now())`,
    );
    const [alder, birch] = await under.store.hosts.list();
    expect(alder).toMatchObject({ state: 'draining', stateChange: { by: 'mara' }, drainUntil: expect.any(Date) });
    expect(birch?.renewedAt).toEqual(birch?.registeredAt);
    await expect(host.renew()).rejects.toMatchObject({ code: 'host-replaced' });
  });
});
