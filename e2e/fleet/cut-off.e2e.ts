import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, missingForNetworkLab } from '@solstice/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { Fleet } from '../harness/fleet.js';
import { fleetMissing, scripts } from '../harness/fleet-layouts.js';
import { expectAllReported, Ledger, pushTree, writeTree } from '../harness/fleet-work.js';
import { processesNaming } from '../harness/leftovers.js';

const labMissing = (await missingForNetworkLab()) !== undefined;

describe.skipIf(fleetMissing || labMissing)('hosts that are cut off', () => {
  let fleet: Fleet | undefined;
  let ledger: Ledger | undefined;

  afterEach(async () => {
    ledger?.close();
    await fleet?.remove();
    fleet = ledger = undefined;
  });

  test('both ways, or one way only: their work is taken elsewhere, and they can change nothing any more', async () => {
    fleet = await Fleet.create({ scripts, lab: true });
    const { lab, postgres } = fleet;
    if (!lab) throw new Error('the fleet has no lab');
    const cut = await Promise.all(['both', 'in', 'out'].map((name) => lab.addHost(name)));
    await fleet.start({
      forge: { roles: 'forge,api' },
      ...Object.fromEntries(
        cut.map((where) => [where.name, { roles: 'orchestrator', where, host: { backend: 'process', slots: 3 } }]),
      ),
    });
    ledger = new Ledger(fleet.directory, 'work');
    const repository = await fleet.addRepository('work');
    // Each says something all the time: those words are what has to be refused later.
    const ordinary = ledger.workflow({
      workflow: 'ordinary',
      jobs: 6,
      waits: true,
      before: 'while :; do echo tick; sleep 0.5; done &',
    });
    const beats = join(fleet.directory, 'beats');
    const beat = `while :; do echo "$CI_ATTEMPT_ID $(date +%s%3N)" >> ${beats}; sleep 0.1; done`;
    const exclusive = ledger.workflow({ workflow: 'exclusive', jobs: 3, more: ['exclusive'], before: beat });
    await pushTree(repository, writeTree(fleet, 'ordinary', ordinary), 'ordinary');
    await ledger.untilBegun(6);
    await pushTree(repository, writeTree(fleet, 'exclusive', exclusive), 'exclusive');
    await ledger.untilBegun(9);
    await fleet.start({ oak: { roles: 'orchestrator', host: { backend: 'process', slots: 9 } } });

    await Promise.all([cut[0]?.cut(), cut[1]?.cutOneWay('in'), cut[2]?.cutOneWay('out')]);
    const { hostId: oak } = fleet.node('oak');
    const taken = async () =>
      (await postgres.query("select 1 from attempts where host_id = $1 and state = 'running' and number = 2", [oak]))
        .length;
    await eventually(async () => (await taken()) === 6, {
      describe: () => `oak to run what the others had\n${fleet?.said()}`,
      intervalMs: 200,
    });

    // Nobody may renew between the cut and now, so this is when each lease was over.
    const client = fleet.client();
    const runId = async (workflow: string) =>
      (await client.runs({ limit: 10 })).find((run) => run.workflow === workflow)?.id ?? '';
    const leases = await postgres.query<{ attempt: string; over_ms: number }>(
      `select a.id as attempt, (extract(epoch from h.lease_until) * 1000)::float8 as over_ms
       from attempts a join hosts h on h.id = a.host_id where a.run_id = $1 and a.number = 1`,
      [await runId('exclusive')],
    );
    expect(leases.length).toBe(3);
    const lines = readFileSync(beats, 'utf8').trim().split('\n');
    for (const { attempt, over_ms } of leases) {
      const last = Math.max(
        ...lines.filter((line) => line.startsWith(attempt)).map((line) => Number(line.split(' ')[1])),
      );
      expect(last, `the last beat of ${attempt}, before its lease was over`).toBeLessThan(over_ms);
    }

    const ticks = async () =>
      (
        await postgres.query<{ ticks: number }>(
          "select count(*)::int as ticks from log_chunks c join attempts a on a.id = c.attempt_id where a.number = 1 and convert_from(body, 'UTF8') like '%tick%'",
        )
      )[0]?.ticks;
    const said = await ticks();
    await Promise.all(cut.map((host) => host.heal()));
    for (const { name } of cut) {
      const { dataDirectory } = fleet.node(name);
      await eventually(() => processesNaming(dataDirectory).length === 0, {
        describe: () => `the old workers of ${name} to be destroyed: ${processesNaming(dataDirectory).join('\n')}`,
      });
    }
    expect(await ticks(), 'words of old workers that were stored').toBe(said);

    ledger.open();
    await eventually(
      async () => {
        const all = await client.runs({ limit: 10 });
        return all.length === 2 && all.every(({ endedAt }) => endedAt !== undefined);
      },
      { describe: () => `both runs to end\n${fleet?.said()}` },
    );
    const attempts = async (workflow: string) => {
      const run = await client.run(await runId(workflow));
      return run.nodes.map((node) => node.attempts.map(({ state }) => state).join(' '));
    };
    expect(await attempts('ordinary')).toEqual(Array.from({ length: 6 }, () => 'lost succeeded'));
    // It may have changed something outside: nobody does it again without being asked to.
    expect(await attempts('exclusive')).toEqual(['lost', 'lost', 'lost']);
    expect([...ledger.count('end').values()]).toEqual([1, 1, 1, 1, 1, 1]);
    await expectAllReported(fleet);
  });
});
