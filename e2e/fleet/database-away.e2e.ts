import { eventually } from '@solstice/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { Fleet } from '../harness/fleet.js';
import { fleetMissing, forgeAndThreeHosts, scripts } from '../harness/fleet-layouts.js';
import { expectAllReported, expectAllSucceededOnce, Ledger, pushTree, writeTree } from '../harness/fleet-work.js';
import { postPush } from '../harness/webhook.js';

describe.skipIf(fleetMissing)('a fleet whose PostgreSQL', () => {
  let fleet: Fleet | undefined;
  let ledger: Ledger | undefined;

  afterEach(async () => {
    ledger?.close();
    await fleet?.remove();
    fleet = ledger = undefined;
  });

  test('is away for longer than a lease, with jobs running: none fails, none runs twice; webhooks get 503', async () => {
    fleet = await Fleet.create({ scripts });
    await fleet.start(forgeAndThreeHosts({ backend: 'process', slots: 8 }));
    const { postgres } = fleet;
    const forge = fleet.node('forge');
    ledger = new Ledger(fleet.directory, 'work');
    const repository = await fleet.addRepository('work');
    const tree = writeTree(fleet, 'work', ledger.workflow({ workflow: 'work', jobs: 20, waits: true }));
    const commit = await pushTree(repository, tree);
    await ledger.untilBegun(20);

    await postgres.stop();
    const leasesEnd = performance.now() + 31_000;
    const everybody = [...fleet.nodes.values()];
    for (const node of everybody) {
      await eventually(async () => (await node.health('readyz')).status === 503, {
        describe: () => `${node.name} to say that it is not ready`,
      });
      expect((await node.health('livez')).status, `${node.name} lives`).toBe(200);
    }
    const push = { repository: 'work', ref: 'refs/heads/main', after: commit };
    expect(await postPush(forge.urls.public, fleet.webhookSecret, push)).toBe(503);
    // All jobs end while nobody can be told.
    ledger.open();
    await eventually(() => ledger?.count('end').size === 20, { describe: () => 'all jobs to end' });
    await eventually(() => performance.now() > leasesEnd, {
      describe: () => 'every lease to be over',
    });

    await postgres.start();
    await expectAllSucceededOnce(fleet, { runs: 1, jobs: 20 });
    ledger.expectOnce(20);
    expect(await postgres.query('select state from deliveries')).toEqual([{ state: 'planned' }]);
    for (const node of everybody) {
      await eventually(async () => (await node.health('readyz')).status === 200, {
        describe: () => `${node.name} to be ready again`,
      });
    }

    // And in the middle of everything: cut off, again and again, while jobs begin and end.
    for (let times = 0; times < 4; times += 1) {
      await pushTree(repository, tree, `cut-${times}`);
      await postgres.killConnections();
    }
    await postgres.restart();
    await expectAllSucceededOnce(fleet, { runs: 5, jobs: 100 });
    ledger.expectOnce(100);
    await expectAllReported(fleet);
  });
});
