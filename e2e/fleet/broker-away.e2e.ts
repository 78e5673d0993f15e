import { eventually } from '@solstice/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { Fleet } from '../harness/fleet.js';
import { fleetMissing, forgeAndThreeHosts, scripts } from '../harness/fleet-layouts.js';
import { expectAllReported, expectAllSucceededOnce, Ledger, pushTree, writeTree } from '../harness/fleet-work.js';

describe.skipIf(fleetMissing)('a fleet whose broker', () => {
  let fleet: Fleet | undefined;
  let ledger: Ledger | undefined;

  afterEach(async () => {
    ledger?.close();
    await fleet?.remove();
    fleet = ledger = undefined;
  });

  test('loses its queues, is killed, and stays away: all run, none twice, all reported', async () => {
    fleet = await Fleet.create({ scripts });
    await fleet.start(forgeAndThreeHosts({ backend: 'process', slots: 4 }));
    const { rabbit } = fleet;
    ledger = new Ledger(fleet.directory, 'work');
    const repository = await fleet.addRepository('work');
    const tree = writeTree(fleet, 'work', ledger.workflow({ workflow: 'work', jobs: 15, waits: true }));
    let pushes = 0;
    const push = async () => {
      pushes += 1;
      await pushTree(repository, tree, `push-${pushes}`);
    };

    // 15 jobs, of which 12 run and the others wait.
    await push();
    await ledger.untilBegun(12);
    const queues = async () => {
      const listed = await rabbit.broker.ctl('list_queues', '--formatter', 'json', 'name');
      return (JSON.parse(listed) as { name: string }[]).map(({ name }) => name);
    };
    // A host's own queue has another name each time.
    const kinds = async () => (await queues()).map((name) => name.replace(/\.[0-9a-f-]{36}\./, '.')).sort();
    const before = await kinds();
    expect(before.length, before.join(', ')).toBeGreaterThan(6);

    // All queues go, again and again, while webhooks come in, statuses wait, and jobs end and begin.
    const pushing = (async () => {
      for (let more = 0; more < 4; more += 1) await push();
    })();
    const deleting = (async () => {
      for (let times = 0; times < 3; times += 1) {
        for (const name of await queues()) await rabbit.broker.ctl('delete_queue', name).catch(gone);
      }
    })();
    ledger.open();
    await Promise.all([pushing, deleting]);
    await expectAllSucceededOnce(fleet, { runs: 5, jobs: 75 });
    // They have made their queues again, not only swept.
    await eventually(
      async () => {
        expect(await kinds()).toEqual(before);
        return true;
      },
      { describe: 'the queues to be there again', intervalMs: 500 },
    );

    const restarting = rabbit.restart('kill');
    await push();
    await restarting;
    await rabbit.down('orderly');
    await push();
    await push();
    await expectAllSucceededOnce(fleet, { runs: 8, jobs: 120 });
    await rabbit.start();
    await push();
    await expectAllSucceededOnce(fleet, { runs: 9, jobs: 135 });
    ledger.expectOnce(135);
    await expectAllReported(fleet);
  });
});

/** It may have been deleted by its own consumer's end meanwhile. */
function gone(error: unknown): void {
  if (!/not found|no_queue|not_found/i.test(String(error))) throw error;
}
