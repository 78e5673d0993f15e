import { readFileSync } from 'node:fs';
import type { Claim } from '@solstice/common/store';
import { expect, test } from 'vitest';
import { assignmentOf, environmentOf } from './assignment.js';

const claim: Claim = {
  fence: { attemptId: 'r/build/2', hostId: 'alder', instance: 'i', epoch: 7 },
  workerId: 'w',
  runId: 'r',
  runNumber: 12,
  nodeId: 'build',
  attemptNumber: 2,
  job: {
    kind: 'job',
    id: 'build',
    name: 'Build',
    runsOn: 'default',
    env: { CI_BRANCH: 'mine', COLOUR: 'blue' },
    needs: [],
    timeoutMs: 60_000,
    steps: [
      { name: 'setup: ci/x.sh', env: {}, action: { kind: 'script', path: 'ci/x.sh' } },
      { name: 'Make', env: { V: '1' }, timeoutMs: 500, action: { kind: 'run', script: 'make' } },
    ],
  },
  pool: { name: 'default', backend: 'process', image: undefined, cpus: 1, memoryBytes: 1 },
  resources: { cpus: 1, memoryBytes: 1 },
  source: {
    repositoryId: '1',
    forge: 'local',
    repositoryName: 'app',
    cloneUrl: '/srv/app.git',
    ref: 'refs/heads/feature/x',
    commit: '0123456789abcdef0123456789abcdef01234567',
    before: undefined,
    title: undefined,
  },
  trigger: { event: 'push', actor: 'ada' },
  workflow: 'ci',
  repeated: false,
  started: false,
  needs: {},
  queuedAt: new Date(0),
  claimedAt: new Date(0),
};
const limits = { logCapBytes: 100, spoolCapBytes: 200, cancelGraceMs: 300 };

test('every CI_* variable is in the documented table, and the table has no others', () => {
  const table = readFileSync(new URL('../../../../docs/environment.md', import.meta.url), 'utf8');
  const documented = [...table.matchAll(/^\| `(CI[A-Z_]*)` \|.*\| orchestrator \|$/gm)].map((match) => match[1]);
  const tagged = environmentOf({ ...claim, source: { ...claim.source, ref: 'refs/tags/v1', before: 'b' } });
  expect(new Set([...Object.keys(environmentOf(claim)), ...Object.keys(tagged)])).toEqual(new Set(documented));
});

test('a branch gives CI_BRANCH, a tag CI_TAG, and never the other', () => {
  expect(environmentOf(claim)).toMatchObject({
    CI_BRANCH: 'feature/x',
    CI_COMMIT_SHORT: '01234567',
    CI_FENCE: 'r/build/2@7',
  });
  expect(environmentOf(claim)).not.toHaveProperty('CI_TAG');
  const tagged = environmentOf({ ...claim, source: { ...claim.source, ref: 'refs/tags/v1' } });
  expect(tagged.CI_TAG).toBe('v1');
  expect(tagged).not.toHaveProperty('CI_BRANCH');
});

test('the idempotency key is the same for every attempt of a job', () => {
  const retried = environmentOf({ ...claim, attemptNumber: 3, fence: { ...claim.fence, attemptId: 'r/build/3' } });
  expect(retried.CI_IDEMPOTENCY_KEY).toBe(environmentOf(claim).CI_IDEMPOTENCY_KEY);
  expect(retried.CI_ATTEMPT_ID).not.toBe(environmentOf(claim).CI_ATTEMPT_ID);
});

test('steps keep their order, kind, env and clock; the job env wins over CI_*', () => {
  const assignment = assignmentOf(claim, '/solstice/source.git', limits);
  expect(assignment.env).toMatchObject({ CI_BRANCH: 'mine', COLOUR: 'blue' });
  expect(assignment.timeoutMs).toBe(60_000n);
  expect(assignment.steps.map((step) => [step.index, step.action, step.timeoutMs, step.env])).toEqual([
    [0, { $case: 'scriptPath', value: 'ci/x.sh' }, 0n, {}],
    [1, { $case: 'run', value: 'make' }, 500n, { V: '1' }],
  ]);
  expect(assignment.source?.mirrorPath).toBe('/solstice/source.git');
  expect(assignment.notes).toEqual([]);
});

test('what was not as the workflow asked is said in the log', () => {
  const elsewhere = { ...claim, pool: { ...claim.pool, name: '*' }, job: { ...claim.job, runsOn: 'ubuntu-22.04' } };
  expect(assignmentOf(elsewhere, undefined, limits).notes.join()).toContain('no host serves the pool "ubuntu-22.04"');
  const imaged = { ...claim, job: { ...claim.job, image: 'debian:12' } };
  expect(assignmentOf(imaged, undefined, limits).notes.join()).toContain('image "debian:12" is not used');
  const contained = { ...imaged, pool: { ...claim.pool, backend: 'container' as const } };
  expect(assignmentOf(contained, undefined, limits).notes).toEqual([]);
});
