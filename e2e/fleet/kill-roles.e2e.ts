import { afterEach, describe, expect, test } from 'vitest';
import { Fleet } from '../harness/fleet.js';
import { everyRoleApart, fleetMissing, hostNames, scripts } from '../harness/fleet-layouts.js';
import { expectAllReported, expectAllSucceededOnce, Ledger, pushTree, writeTree } from '../harness/fleet-work.js';

describe.skipIf(fleetMissing)('every role in a process of its own', () => {
  let fleet: Fleet | undefined;
  let ledger: Ledger | undefined;

  afterEach(async () => {
    ledger?.close();
    await fleet?.remove();
    fleet = ledger = undefined;
  });

  test('kill -9 of each in turn, with 50 jobs running: each goes on, all succeed once, every check is reported', async () => {
    fleet = await Fleet.create({ scripts });
    await fleet.start(everyRoleApart({ backend: 'process', slots: 20 }));
    ledger = new Ledger(fleet.directory, 'work');
    const repository = await fleet.addRepository('work');
    const waiting = writeTree(fleet, 'waiting', ledger.workflow({ workflow: 'waiting', jobs: 10, waits: true }));
    for (let run = 1; run <= 5; run += 1) await pushTree(repository, waiting, `waiting-${run}`);
    await ledger.untilBegun(50);

    // One push while each is away, so that it has something to take up; webhooks can't be taken while nobody takes them.
    const small = writeTree(fleet, 'small', ledger.workflow({ workflow: 'small', jobs: 1 }));
    for (const name of ['planner', 'relay', 'reporter', 'api', ...hostNames]) {
      const node = fleet.node(name);
      expect(await node.end('SIGKILL')).toEqual({ exitCode: null, signal: 'SIGKILL' });
      await pushTree(repository, small, `while-no-${name}`);
      await node.start();
    }
    await fleet.node('webhooks').restart('SIGKILL');
    await pushTree(repository, small, 'after-webhooks');

    for (const name of hostNames) expect(fleet.node(name).output).toContain('worker taken over');
    ledger.open();
    await expectAllSucceededOnce(fleet, { runs: 13, jobs: 58 });
    ledger.expectOnce(58);
    await expectAllReported(fleet);
  });
});
