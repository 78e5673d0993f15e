import { BaseSequencer } from 'vitest/node';

/**
 * The files that take longest, the longest first: `npm test` names them. Vitest knows how long each took only where it has run
 * before, and goes by the size of the file elsewhere, as on a fresh CI machine; the smallest of all plays the largest contract,
 * and began when everything else was over.
 */
export const slowFiles = [
  'packages/solstice/src/deploy/image.itest.ts',
  'packages/common/src/store/postgres/postgres-store.itest.ts',
  'packages/common/src/queue/rabbitmq/outages.itest.ts',
  'packages/common/src/queue/rabbitmq/rabbitmq-queue.itest.ts',
  'packages/forge-integration/src/relay/relay.itest.ts',
  'packages/testing/src/rabbitmq/rabbitmq-server.itest.ts',
  'packages/common/src/workflow/traps.itest.ts',
  'packages/common/src/queue/rabbitmq/letters.itest.ts',
  'packages/common/src/queue/rabbitmq/deleted.itest.ts',
  'packages/workers/src/sessions/runner-in-container.itest.ts',
  'e2e/conformance/restart.conformance.ts',
  'packages/common/src/store/testing/restart-anywhere.conformance.ts',
  'e2e/scenarios.e2e.ts',
  'e2e/fleet/scenarios.e2e.ts',
  'e2e/fleet/many-jobs.e2e.ts',
  'e2e/fleet/rolling.e2e.ts',
  'e2e/fleet/database-away.e2e.ts',
  'e2e/fleet/kill-roles.e2e.ts',
  'e2e/fleet/broker-away.e2e.ts',
];

/** For vitest's `sequence.sequencer`: of each project the slow files, then the others in vitest's own order. */
export class SlowestFirst extends BaseSequencer {
  /** @param {import('vitest/node').TestSpecification[]} files */
  async sort(files) {
    return slowestFirst(await super.sort(files));
  }
}

/**
 * Keeps the projects in their order.
 *
 * @template {{ moduleId: string, project: { name: string } }} File
 * @param {File[]} files
 * @returns {File[]}
 */
export function slowestFirst(files) {
  const projects = [...new Set(files.map(({ project }) => project.name))];
  const place = (file) => {
    const index = slowFiles.findIndex((slow) => file.moduleId.endsWith(`/${slow}`));
    return index === -1 ? slowFiles.length : index;
  };
  return projects.flatMap((name) =>
    files.filter(({ project }) => project.name === name).sort((left, right) => place(left) - place(right)),
  );
}
