import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fleet } from '../harness/fleet.js';
import { fleetMissing, forgeAndThreeHosts, scripts } from '../harness/fleet-layouts.js';
import { runScenario } from '../harness/run-scenario.js';
import { loadScenarios } from '../harness/scenario.js';

const folder = fileURLToPath(new URL('../scenarios', import.meta.url));

/** One scenario names a pool; a fleet's host takes such a job only if its file says so. */
function hostFile(backend: 'process' | 'container'): string {
  const image = backend === 'container' ? ' image="solstice-test/tools:1"' : '';
  return `host {
    pool "ubuntu-22.04" backend="${backend}"${image}
    alias "default" "ubuntu-22.04"
}
`;
}

describe.each(['process', 'container'] as const)('on the %s backend', (backend) => {
  const scenarios = loadScenarios(folder, backend);
  const dockerMissing = backend === 'container' && process.env.SOLSTICE_TEST_DOCKER === 'missing';
  describe.skipIf(fleetMissing || dockerMissing)('one forge integration and three orchestrators', () => {
    let fleet: Fleet;

    beforeAll(async () => {
      fleet = await Fleet.create({ scripts });
      await fleet.start(forgeAndThreeHosts({ backend, slots: 2, hostFile: hostFile(backend) }));
    });
    afterAll(async () => {
      await fleet?.remove();
    });

    describe.concurrent('at the same time', () => {
      test.each(scenarios.map((each) => [each.name, each.scenario.title, each] as const))(
        '%s: %s',
        async (_name, _title, played) => {
          await runScenario(played, { theatre: fleet, backend });
        },
      );
    });

    test('every host had a part in it, and no secret is in any log of ours', async () => {
      const rows = await fleet.postgres.query<{ host_id: string }>(
        'select distinct host_id from attempts where host_id is not null order by host_id',
      );
      expect(rows.map((row) => row.host_id)).toEqual(
        [...fleet.nodes.values()].flatMap(({ hostId }) => hostId || []).sort(),
      );
      const brokerPassword = fleet.rabbit.broker.place.password;
      for (const { name, output } of fleet.nodes.values()) {
        for (const secret of [fleet.webhookSecret, fleet.operatorToken, brokerPassword]) {
          expect(output.includes(secret), `a secret in the log of ${name}`).toBe(false);
        }
      }
    });
  });
});
