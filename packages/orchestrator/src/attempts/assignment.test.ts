import { readFileSync } from 'node:fs';
import type { ResolvedJob } from '@solstice/common/flow';
import type { Claim } from '@solstice/common/store';
import { expect, test } from 'vitest';
import { assignmentOf, environmentOf, laterBy, needsPolicies } from './assignment.js';

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

const cell: Claim = {
  ...claim,
  job: { ...claim.job, id: 'test.a.b', matrix: { group: 'test', cell: { os: 'alpine', 'rust-version': '1.79.0' } } },
};
const needing: Claim = {
  ...claim,
  needs: {
    'build-linux': { result: 'succeeded', outputs: { 'app-version': '1.2' } },
    'test.a': { result: 'failed', reason: 'because', outputs: {} },
    'test.b': { result: 'succeeded', outputs: {} },
  },
};
const pulled: Claim = {
  ...claim,
  source: { ...claim.source, ref: 'refs/pull/7/head' },
  branch: 'tabs',
  pullRequest: { number: 7, base: 'main' },
};
/** As a newer claim says it: by the ids of the file, too. */
const gathered: Claim = {
  ...claim,
  needs: {
    'test.a': { result: 'failed', outputs: { size: '1' } },
    'test.b': { result: 'succeeded', outputs: { size: '2', commit: 'abc' } },
    test: { result: 'failed', outputs: { commit: 'abc' } },
    channel: { result: 'succeeded', outputs: { taken: 'then', version: '7' } },
    publish: { result: 'succeeded', outputs: { version: '7' } },
    nightly: { result: 'skipped', outputs: {} },
    release: { result: 'succeeded', outputs: { replicas: '4', dry_run: 'false' } },
  },
};

test('every variable is in the documented table, and the table has no others', () => {
  const table = readFileSync(new URL('../../../../docs/environment.md', import.meta.url), 'utf8');
  const documented = [...table.matchAll(/^\| `([A-Z_<>]+)` \|.*\| orchestrator \|$/gm)].map((match) => match[1]);
  const tagged = { ...claim, source: { ...claim.source, ref: 'refs/tags/v1', before: 'b' } };
  const names = [claim, tagged, pulled, cell, needing]
    .flatMap((one) => Object.keys(assignmentOf({ ...one, job: { ...one.job, env: {} } }, undefined, limits).env))
    .map((name) =>
      name
        .replace(/^MATRIX_.*/, 'MATRIX_<AXIS>')
        .replace(/^NEEDS_.*_RESULT$/, 'NEEDS_<JOB>_RESULT')
        .replace(/^NEEDS_[A-Z].*/, 'NEEDS_<JOB>_<OUTPUT>'),
    );
  expect(new Set(names)).toEqual(new Set(documented));
});

test('the branch is that of the ref, or of a pull request the one that is to be merged', () => {
  expect(environmentOf(claim)).toMatchObject({ CI_BRANCH: 'feature/x' });
  expect(environmentOf(claim)).not.toHaveProperty('CI_PULL_REQUEST');
  expect(environmentOf(pulled)).toMatchObject({
    CI_REF: 'refs/pull/7/head',
    CI_BRANCH: 'tabs',
    CI_PULL_REQUEST: '7',
    CI_PULL_REQUEST_BASE: 'main',
  });
  const tag = environmentOf({ ...claim, source: { ...claim.source, ref: 'refs/tags/v1' } });
  expect(tag).toMatchObject({ CI_TAG: 'v1' });
  expect(tag).not.toHaveProperty('CI_BRANCH');
});

test('a cell of a matrix knows which one it is', () => {
  expect(environmentOf(cell)).toMatchObject({
    CI_JOB_ID: 'test.a.b',
    CI_JOB_MATRIX: 'test',
    MATRIX_OS: 'alpine',
    MATRIX_RUST_VERSION: '1.79.0',
  });
  expect(environmentOf(claim)).not.toHaveProperty('CI_JOB_MATRIX');
});

test('what the job needs is in its environment, and its own env wins', () => {
  const { env, notes } = assignmentOf(needing, undefined, limits);
  expect(Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith('NEEDS_')))).toEqual({
    NEEDS_BUILD_LINUX_RESULT: 'succeeded',
    NEEDS_BUILD_LINUX_APP_VERSION: '1.2',
    NEEDS_TEST_A_RESULT: 'failed',
    NEEDS_TEST_B_RESULT: 'succeeded',
    NEEDS_TEST_RESULT: 'failed',
  });
  expect(notes).toEqual([]);
  const own = { ...needing, job: { ...claim.job, env: { NEEDS_TEST_RESULT: 'mine' } } };
  expect(assignmentOf(own, undefined, limits).env.NEEDS_TEST_RESULT).toBe('mine');
});

test('matrices and branches are there by their ids, and what was said to a gate by its inputs', () => {
  const { env, notes } = assignmentOf(gathered, undefined, limits);
  expect(env).toMatchObject({
    NEEDS_TEST_RESULT: 'failed',
    NEEDS_TEST_COMMIT: 'abc',
    NEEDS_TEST_A_SIZE: '1',
    NEEDS_TEST_B_SIZE: '2',
    NEEDS_CHANNEL_RESULT: 'succeeded',
    NEEDS_CHANNEL_TAKEN: 'then',
    NEEDS_CHANNEL_VERSION: '7',
    NEEDS_NIGHTLY_RESULT: 'skipped',
    NEEDS_RELEASE_RESULT: 'succeeded',
    NEEDS_RELEASE_REPLICAS: '4',
    NEEDS_RELEASE_DRY_RUN: 'false',
  });
  expect(env).not.toHaveProperty('NEEDS_TEST_SIZE');
  expect(notes).toEqual([]);
});

test('of two outputs that would be the same variable neither is set, and the log says so', () => {
  const needs: Claim['needs'] = {
    a: { result: 'succeeded', outputs: { b_c: '1', d: '2' } },
    'a-b': { result: 'succeeded', outputs: { c: '3' } },
  };
  const { env, notes } = assignmentOf({ ...claim, needs }, undefined, limits);
  expect(env).not.toHaveProperty('NEEDS_A_B_C');
  expect(env.NEEDS_A_D).toBe('2');
  expect(notes).toEqual(['NEEDS_A_B_C is not set: it would be output b_c of a, and output c of a-b']);
});

test('steps of catch and finally go on in the numbering, with their kind', () => {
  const one = (name: string): ResolvedJob['steps'][number] => ({
    name,
    env: {},
    action: { kind: 'run', script: name },
  });
  const job: ResolvedJob = {
    ...claim.job,
    steps: [{ ...one('Make'), silenceMs: 7, allowFailure: true }],
    catch: [one('Cores')],
    finally: [one('Stop'), one('Tell')],
    silenceMs: 5,
    deadlineMs: 9_000,
    outputs: [{ name: 'version', file: 'v.txt' }],
  };
  const assignment = assignmentOf(laterBy(500, { ...claim, job, deadlineLeftMs: 2_000 }), undefined, limits);
  expect(assignment.steps.map(({ index, name, kind }) => `${index} ${name} ${kind}`)).toEqual([
    '0 Make 0',
    '1 catch: Cores 1',
    '2 finally: Stop 2',
    '3 finally: Tell 2',
  ]);
  expect(assignment.steps[0]).toMatchObject({ silenceMs: 7n, allowFailure: true });
  expect(assignment).toMatchObject({
    silenceMs: 5n,
    deadlineMs: 1_500n,
    deadlineLimitMs: 9_000n,
    outputs: [{ name: 'version', path: 'v.txt' }],
  });
  // A deadline that is over is no deadline of 0, which would be none.
  expect(assignmentOf({ ...claim, job, deadlineLeftMs: 0 }, undefined, limits).deadlineMs).toBe(1n);
});

test.each<[string, Partial<Claim['job']>]>([
  ['silence', { silenceMs: 1 }],
  ['an output', { outputs: [] }],
  ['catch', { catch: [] }],
  ['finally', { finally: [] }],
  ['a step that may fail', { steps: [{ name: '', env: {}, action: { kind: 'run', script: '' }, allowFailure: true }] }],
  ['silence of a step', { steps: [{ name: '', env: {}, action: { kind: 'run', script: '' }, silenceMs: 1 }] }],
])('a job with %s is not for a runner of before', (_, more) => {
  expect(needsPolicies({ job: { ...claim.job, ...more } })).toBe(true);
  expect(needsPolicies(claim)).toBe(false);
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
