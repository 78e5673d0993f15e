import { defineConfig } from 'vitest/config';
import { SlowestFirst } from './scripts/lib/slowest-first.mjs';

// Sources, not dist: a test never runs against yesterday's build. End-to-end scenarios start the built executable.
// Vitest hands these to Node as well, for every package: 'import' among them would make require() find ES modules.
const conditions = ['solstice-source', 'node'];
const shared = {
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ['node'] } },
  // Where global setups run.
  environments: { __vitest__: { resolve: { conditions } } },
};

export default defineConfig({
  test: {
    sequence: { sequencer: SlowestFirst },
    projects: [
      {
        ...shared,
        test: { name: 'unit', include: ['packages/*/src/**/*.test.ts', 'scripts/**/*.test.mjs'], testTimeout: 10_000 },
      },
      {
        ...shared,
        test: {
          name: 'integration',
          include: ['packages/*/src/**/*.itest.ts'],
          globalSetup: [
            'packages/testing/src/database/global-setup.ts',
            'packages/testing/src/rabbitmq/global-setup.ts',
          ],
          // Far more than any takes alone: a broker or a database that starts beside three others is slow.
          testTimeout: 180_000,
          hookTimeout: 180_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        ...shared,
        test: {
          name: 'conformance',
          include: ['e2e/conformance/*.conformance.ts', 'packages/*/src/**/*.conformance.ts'],
          globalSetup: ['packages/testing/src/database/global-setup.ts', 'e2e/harness/global-setup.ts'],
          testTimeout: 900_000,
          hookTimeout: 180_000,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
      {
        ...shared,
        test: {
          name: 'e2e',
          include: ['e2e/**/*.e2e.ts'],
          globalSetup: ['e2e/harness/global-setup.ts'],
          // Far more than they take on a busy machine: each wait inside has a bound of its own, with a better message.
          testTimeout: 900_000,
          hookTimeout: 180_000,
          maxWorkers: 2,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
