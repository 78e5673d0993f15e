import type { Job, Step, Workflow } from '../workflow/index.js';
import type { JobSpec, RunSpec, StepSpec } from './spec.js';

/** The pool of a job that names none. */
export const DEFAULT_POOL = 'default';

/** What a run of this workflow will do, complete and unchangeable. `setup` scripts become the first steps. */
export function freeze(workflow: Workflow): RunSpec {
  return {
    version: 1,
    workflow: { name: workflow.name, file: workflow.file },
    nodes: workflow.jobs.map((job) => freezeJob(workflow, job)),
  };
}

function freezeJob(workflow: Workflow, job: Job): JobSpec {
  return {
    kind: 'job',
    id: job.id,
    name: job.name,
    runsOn: job.runsOn ?? DEFAULT_POOL,
    ...(job.image !== undefined && { image: job.image }),
    env: { ...workflow.env, ...job.env },
    needs: [...job.needs],
    ...(job.timeoutMs !== undefined && { timeoutMs: job.timeoutMs }),
    ...(job.resources !== undefined && { resources: { ...job.resources } }),
    ...(job.place !== undefined && { place: { ...job.place, hosts: [...job.place.hosts] } }),
    ...(job.exclusive === true && { exclusive: true }),
    steps: [...job.setup.map(setupStep), ...job.steps.map(freezeStep)],
  };
}

function setupStep(path: string): StepSpec {
  return { name: `setup: ${path}`, env: {}, action: { kind: 'script', path } };
}

function freezeStep(step: Step): StepSpec {
  return {
    name: step.name,
    env: { ...step.env },
    ...(step.timeoutMs !== undefined && { timeoutMs: step.timeoutMs }),
    action: { ...step.action },
  };
}
