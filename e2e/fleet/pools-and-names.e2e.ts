import { eventually } from '@solstice/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { Fleet } from '../harness/fleet.js';
import { fleetMissing, scripts } from '../harness/fleet-layouts.js';
import { expectAllReported, expectAllSucceededOnce, Ledger, pushTree, writeTree } from '../harness/fleet-work.js';

const serving = (...pools: string[]) => ({
  roles: 'orchestrator',
  host: {
    backend: 'process' as const,
    hostFile: `host {\n${pools.map((pool) => `    pool "${pool}" backend="process" cpus=0.5 memory="256MiB"\n`).join('')}}\n`,
  },
});

describe.skipIf(fleetMissing)('hosts of different pools', () => {
  let fleet: Fleet | undefined;
  let ledger: Ledger | undefined;

  afterEach(async () => {
    ledger?.close();
    await fleet?.remove();
    fleet = ledger = undefined;
  });

  test('run only their own; what nobody serves waits, says so, and starts when a host joins; a name is had once', async () => {
    fleet = await Fleet.create({ scripts });
    await fleet.start({
      forge: { roles: 'forge,api' },
      east: serving('east'),
      west: serving('west', 'far-west'),
    });
    ledger = new Ledger(fleet.directory, 'work');
    const repository = await fleet.addRepository('work');
    for (const pool of ['east', 'west', 'far-west', 'north']) {
      const workflow = ledger.workflow({ workflow: pool, jobs: 4, runsOn: pool });
      await pushTree(repository, writeTree(fleet, pool, workflow), pool);
    }
    const client = fleet.client();
    await eventually(async () => (await client.runs({ state: 'succeeded', limit: 10 })).length === 3, {
      describe: () => `three runs to succeed\n${fleet?.said()}`,
      intervalMs: 100,
    });
    const ranOn = async () =>
      Object.fromEntries(
        (
          await (fleet as Fleet).postgres.query<{ pool: string; hosts: string[] }>(
            'select pool, array_agg(distinct host_id) as hosts from attempts where host_id is not null group by pool',
          )
        ).map(({ pool, hosts }) => [pool, hosts.map((id) => id.split('-').at(-1))]),
      );
    expect(await ranOn()).toEqual({ east: ['east'], west: ['west'], 'far-west': ['west'] });

    const waiting = await eventually(
      async () => (await client.runs({ limit: 10 })).find(({ workflow }) => workflow === 'north'),
      { describe: 'the run for north' },
    );
    expect(waiting.state).toBe('queued');
    const why = await fleet.ciadm('why', String(waiting.number));
    expect(why.exitCode, why.stderr).toBe(0);
    expect(why.stdout.toString()).toContain('no live host serves pool north (they serve east, far-west, west)');

    await fleet.start({ north: serving('north') });
    await expectAllSucceededOnce(fleet, { runs: 4, jobs: 16 });
    expect((await ranOn()).north).toEqual(['north']);
    ledger.expectOnce(16);
    await expectAllReported(fleet);

    // Another machine with the same name, that is: with another state directory.
    const impostor = fleet.prepare('impostor', serving('east'), { hostId: fleet.node('east').hostId });
    expect((await impostor.spawn()).exitCode).toBe(1);
    expect(impostor.output).toContain('host-name-taken');
    expect(impostor.output).toContain(`host ${fleet.node('east').hostId} is alive on `);
    expect(impostor.output).toContain(`(pid ${fleet.node('east').pid})`);
    // The same machine twice: the first has the directory.
    const twin = fleet.prepare('twin', serving('east'), { dataDirectory: fleet.node('east').dataDirectory });
    expect((await twin.spawn()).exitCode).toBe(1);
    expect(twin.output).toContain('data-directory-in-use');
    expect(twin.output).toContain(`pid ${fleet.node('east').pid}`);
    expect((await fleet.node('east').health('readyz')).status).toBe(200);
  });
});
