import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Installation } from './harness/installation.js';
import { runScenario } from './harness/run-scenario.js';
import { loadScenarios } from './harness/scenario.js';

const folder = fileURLToPath(new URL('scenarios', import.meta.url));

describe.each(['process', 'container'] as const)('on the %s backend', (backend) => {
  const scenarios = loadScenarios(folder, backend);
  const dockerMissing = backend === 'container' && process.env.SOLSTICE_TEST_DOCKER === 'missing';
  describe.skipIf(dockerMissing)('one `solstice up`', () => {
    let installation: Installation;

    beforeAll(async () => {
      installation = await Installation.create({ backend });
    });
    afterAll(async () => {
      await installation?.remove();
    });

    test.each(scenarios.map((each) => [each.name, each.scenario.title, each] as const))(
      '%s: %s',
      async (_name, _title, played) => {
        await runScenario(played, { theatre: installation, backend });
      },
    );

    test('a log line of our own never has a secret in it', () => {
      expect(installation.solstice.output).not.toContain(installation.webhookSecret);
      expect(installation.solstice.output).not.toContain(installation.solstice.operatorToken);
    });
  });
});
