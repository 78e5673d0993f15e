import { eventually } from '@solstice/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { Fleet } from '../harness/fleet.js';
import { CapacityWatch } from '../harness/fleet-capacity.js';
import { fleetMissing, scripts } from '../harness/fleet-layouts.js';
import { expectAllReported, expectAllSucceededOnce, Ledger, pushTree, writeTree } from '../harness/fleet-work.js';

const slots = { alder: 2, birch: 4, cedar: 6 };
const allSlots = 12;
const jobs = 500;

describe.skipIf(fleetMissing)('three hosts of different size', () => {
  let fleet: Fleet | undefined;
  let ledger: Ledger | undefined;
  let watch: CapacityWatch | undefined;

  afterEach(async () => {
    await watch?.stop();
    ledger?.close();
    await fleet?.remove();
    fleet = ledger = watch = undefined;
  });

  test('500 jobs: none twice, none lost, spread by capacity, which is never exceeded; they do not starve a large one', {
    timeout: 900_000,
  }, async () => {
    fleet = await Fleet.create({ scripts });
    const host = (name: keyof typeof slots) => ({
      roles: 'orchestrator',
      // Memory and cpus are as scarce as slots, so that each of the three bounds is met.
      host: { backend: 'process' as const, slots: slots[name], cpus: slots[name], memory: `${slots[name]}GiB` },
    });
    await fleet.start({
      forge: { roles: 'forge,api' },
      alder: host('alder'),
      birch: host('birch'),
      cedar: host('cedar'),
    });
    ledger = new Ledger(fleet.directory, 'work');
    watch = await CapacityWatch.start(fleet.postgres);
    const repository = await fleet.addRepository('work');
    for (const half of ['one', 'two']) {
      const tree = writeTree(fleet, half, ledger.workflow({ workflow: half, jobs: jobs / 2 }));
      await pushTree(repository, tree, half);
    }
    // A job as large as the largest host, behind hundreds of small ones: as if it had waited for an hour already, which is
    // when a host is kept free for it.
    await ledger.untilBegun(50);
    const large = ledger.workflow({ workflow: 'large', jobs: 1, more: [`resources cpus=${slots.cedar}`] });
    await pushTree(repository, writeTree(fleet, 'large', large), 'large');
    const { postgres } = fleet;
    const isLarge = 'run_id in (select run_id from nodes group by run_id having count(*) = 1)';
    await eventually(
      async () =>
        (
          await postgres.query(
            `update attempts set queued_at = queued_at - interval '1 hour', not_before = not_before - interval '1 hour'
             where ${isLarge} returning 1`,
          )
        ).length === 1,
      { describe: 'the large job to wait', intervalMs: 100 },
    );

    await expectAllSucceededOnce(fleet, { runs: 3, jobs: jobs + 1, timeoutMs: 880_000 });
    ledger.expectOnce(jobs + 1);
    await expectAllReported(fleet);

    const { samples, exceeded, fullest } = await watch.stop();
    expect(exceeded).toEqual([]);
    expect(samples).toBeGreaterThan(50);
    const [after] = await postgres.query<{ small: number }>(
      `select count(*)::int as small from attempts where claimed_at > (select claimed_at from attempts where ${isLarge})`,
    );
    expect(after?.small, 'small jobs that the large one did not have to wait for').toBeGreaterThan(100);
    const rows = await fleet.postgres.query<{ host_id: string; jobs: number }>(
      'select host_id, count(*)::int as jobs from attempts group by host_id',
    );
    for (const [name, own] of Object.entries(slots)) {
      const { hostId } = fleet.node(name);
      const ran = rows.find((row) => row.host_id === hostId)?.jobs ?? 0;
      // Each takes work when it has room, so its share follows its slots only as far as its jobs take equally long. All
      // share two cores here: half and double its share is what still tells a spread from a host that is left out.
      expect(ran, `jobs on ${name}`).toBeGreaterThan((jobs * own) / allSlots / 2);
      expect(ran, `jobs on ${name}`).toBeLessThan(((jobs * own) / allSlots) * 2);
      expect(fullest.get(hostId), `most jobs at once on ${name}`).toBe(own);
    }
  });
});
