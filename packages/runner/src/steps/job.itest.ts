import { type Assignment, Cause, Result, type Step, StepKind } from '@solstice/common/rpc';
import { temporaryDirectory } from '@solstice/testing';
import { expect, test } from 'vitest';
import { RecordWriter } from '../spool/record-writer.js';
import { Spool } from '../spool/spool.js';
import { Job } from './job.js';
import { ProcessGroups } from './process-groups.js';
import { Services } from './services.js';

const step: Step = {
  ...{ index: 1, name: 'Make', env: {}, timeoutMs: 0n, kind: StepKind.STEP_KIND_UNSPECIFIED, silenceMs: 0n },
  ...{ allowFailure: false, when: '', deadlineMs: 0n, deadlineLimitMs: 0n },
  action: { $case: 'run', value: 'sleep 60' },
};

const assignment: Assignment = {
  ...{ runId: 'run', attemptId: 'run/job/1', jobId: 'job', jobName: 'job', env: {}, source: undefined, notes: [] },
  ...{ timeoutMs: 0n, silenceMs: 0n, deadlineMs: 0n, deadlineLimitMs: 0n, enclosingDeadline: undefined },
  ...{ exclusive: false, outputs: [], conditionContext: '', changed: {} },
  limits: { logBytes: 0n, spoolBytes: 0n, cancelGraceMs: 100n, aftermathMs: 0n },
  services: ['db'],
  steps: [step],
};

/** Its steps are just about to begin when this happens. */
async function begun(happens: (job: Job, services: Services) => void) {
  await using directory = await temporaryDirectory('solstice-runner-job-');
  await using spoolDirectory = await temporaryDirectory('solstice-runner-job-');
  const spool = new Spool({ directory: spoolDirectory.path, segmentBytes: 65_536, capacityBytes: 1_048_576 });
  const services = new Services();
  services.ready();
  const job: Job = new Job({
    ...{ assignment, spool, services, groups: new ProcessGroups() },
    writer: new RecordWriter(spool, Date.now, () => undefined),
    ...{ workDirectory: directory.path, spoolDirectory: spoolDirectory.path },
    environment: { PATH: process.env.PATH ?? '' },
    checkout: async () => ({}),
    markStarted: () => void process.nextTick(() => happens(job, services)),
    monotonicMs: () => performance.now(),
  });
  const { outcome } = await job.run();
  spool.close();
  return { outcome };
}

test('a cancel ends a job whose steps are just about to begin', async () => {
  const { outcome } = await begun((job) => job.cancel('typo'));
  expect(outcome).toMatchObject({ result: Result.RESULT_CANCELLED, cause: Cause.CAUSE_CANCELLED, detail: 'typo' });
});

test('so does the end of a service', async () => {
  const failure = { name: 'db', detail: 'ended', output: [], ended: true };
  const { outcome } = await begun((_, services) => services.failed(failure));
  expect(outcome).toMatchObject({ cause: Cause.CAUSE_SERVICE, service: 'db' });
});
