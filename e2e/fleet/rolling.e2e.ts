import { eventually } from '@solstice/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { Fleet } from '../harness/fleet.js';
import { everyRoleApart, fleetMissing, hostNames, scripts } from '../harness/fleet-layouts.js';
import type { FleetNode } from '../harness/fleet-node.js';
import { expectAllReported, expectAllSucceededOnce, Ledger, pushTree, writeTree } from '../harness/fleet-work.js';

const says = (node: FleetNode, status: number, text = '') =>
  eventually(
    async () => {
      const answer = await node.health('readyz');
      return answer.status === status && answer.text.includes(text) ? answer : undefined;
    },
    { describe: () => `${node.name} to answer ${status} ${text}` },
  );

describe.skipIf(fleetMissing)('every role in a process of its own', () => {
  let fleet: Fleet | undefined;
  let ledger: Ledger | undefined;

  afterEach(async () => {
    ledger?.close();
    await fleet?.remove();
    fleet = ledger = undefined;
  });

  test('is restarted in order, one after the other, with work in flight; readiness tells the truth all the while', async () => {
    fleet = await Fleet.create({ scripts });
    const { postgres } = fleet;
    const apart = everyRoleApart({ backend: 'process', slots: 8 });
    const drainer = { backend: 'process' as const, slots: 8, more: ['at_stop "drain"', 'drain_for "5m"'] };
    const nodes = Object.entries({ ...apart, cedar: { roles: 'orchestrator', host: drainer } }).map(([name, options]) =>
      (fleet as Fleet).prepare(name, options),
    );

    // The database comes late: they wait for it, and say so.
    await postgres.stop();
    const starting = Promise.all(nodes.map((node) => node.start()));
    for (const node of nodes) {
      await says(node, 503, 'starting: the database');
      expect((await node.health('livez')).status).toBe(200);
    }
    await postgres.start();
    await starting;
    for (const node of nodes) await says(node, 200);

    ledger = new Ledger(fleet.directory, 'work');
    const repository = await fleet.addRepository('work');
    const tree = writeTree(fleet, 'work', ledger.workflow({ workflow: 'work', jobs: 12, waits: true }));
    await pushTree(repository, tree, 'first');
    await ledger.untilBegun(12);
    const small = writeTree(fleet, 'small', ledger.workflow({ workflow: 'small', jobs: 1 }));
    const rolled = nodes.filter(({ name }) => name !== 'cedar');
    for (const node of rolled) {
      expect(await node.end('SIGTERM'), `${node.name}\n${node.output.slice(-3000)}`).toEqual({
        exitCode: 0,
        signal: null,
      });
      if (node.name !== 'webhooks') await pushTree(repository, small, `while-no-${node.name}`);
      await node.start();
    }
    for (const name of hostNames.slice(0, 2)) expect(fleet.node(name).output).toContain('worker taken over');

    // One that drains takes nothing more and waits; it is alive, and not ready.
    const cedar = fleet.node('cedar');
    const ended = cedar.end('SIGTERM');
    await says(cedar, 503, 'stopping');
    expect((await cedar.health('livez')).status).toBe(200);
    await pushTree(repository, small, 'while-cedar-drains');
    ledger.open();
    expect(await ended, cedar.output.slice(-3000)).toEqual({ exitCode: 0, signal: null });
    await expectAllSucceededOnce(fleet, { runs: 8, jobs: 19 });
    const late = await postgres.query(
      "select 1 from attempts a join runs r on r.id = a.run_id where a.host_id = $1 and r.source::text like '%while-cedar-drains%'",
      [cedar.hostId],
    );
    expect(late, 'jobs that it took while it drained').toEqual([]);
    ledger.expectOnce(19);
    await cedar.start();

    // A second signal ends it at once; what runs goes on, and is taken up.
    const second = new Ledger(fleet.directory, 'second');
    const waiting = writeTree(fleet, 'second', second.workflow({ workflow: 'second', jobs: 24, waits: true }));
    await pushTree(repository, waiting, 'second');
    await second.untilBegun(24);
    const forced = cedar.end('SIGTERM');
    await says(cedar, 503, 'stopping');
    cedar.signal('SIGTERM');
    expect((await forced).exitCode).toBe(130);
    await cedar.start();
    expect(cedar.output).toContain('worker taken over');
    second.open();
    await expectAllSucceededOnce(fleet, { runs: 9, jobs: 43 });
    second.expectOnce(24);
    second.close();
    await expectAllReported(fleet);
  });
});
