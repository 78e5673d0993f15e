import { randomUUID } from 'node:crypto';
import type { JobSpec } from '@solstice/common/flow';
import type { RunDetail, Store } from '@solstice/common/store';

/** One job, `build`, with one step. Gives the run's id. */
export async function planJob(store: Store, more: Partial<JobSpec> = {}): Promise<string> {
  const repository = await store.repositories.upsert({
    forge: 'local',
    forgeRepositoryId: undefined,
    name: 'app',
    cloneUrl: '/srv/app.git',
    defaultBranch: undefined,
    sealedWebhookSecret: undefined,
    origin: 'operator',
  });
  const runId = randomUUID();
  const source = { repositoryId: repository.id, forge: 'local', repositoryName: 'app', cloneUrl: '/srv/app.git' };
  await store.runs.plan({
    deliveryId: undefined,
    runs: [
      {
        runId,
        pageKey: randomUUID(),
        spec: {
          version: 1,
          workflow: { name: 'ci', file: '.solstice/ci.kdl' },
          nodes: [
            {
              kind: 'job',
              id: 'build',
              name: 'build',
              runsOn: 'default',
              env: {},
              needs: [],
              steps: [{ name: 'Make', env: {}, action: { kind: 'run', script: 'make' } }],
              ...more,
            },
          ],
        },
        source: { ...source, ref: 'refs/heads/main', commit: 'a'.repeat(40), before: undefined, title: undefined },
        trigger: { event: 'push', actor: 'ada' },
        checkContext: 'solstice/ci',
      },
    ],
    failedChecks: [],
    outcome: { state: 'planned', reason: undefined },
  });
  return runId;
}

export async function runOf(store: Store, runId: string): Promise<RunDetail> {
  const found = await store.runs.find({ id: runId });
  if (!found) throw new Error(`no run ${runId}`);
  return found;
}

/** `running: lost, queued` */
export async function statesOf(store: Store, runId: string): Promise<string> {
  const run = await runOf(store, runId);
  return `${run.state}: ${run.nodes.flatMap(({ attempts }) => attempts.map(({ state }) => state)).join(', ')}`;
}
