import { changedPatternsIn } from '../expressions/index.js';
import type { Step, Workflow } from './workflow.js';

/** Every pattern that the conditions of a workflow ask `changed(…)` for. */
export function changedPatternsOf(workflow: Workflow): string[] {
  const ofSteps = (steps: readonly Step[] = []) => steps.map(({ when }) => when);
  const conditions = [
    ...workflow.jobs.flatMap((job) => [
      job.when,
      ...ofSteps(job.steps),
      ...ofSteps(job.catch),
      ...ofSteps(job.finally),
    ]),
    ...[...(workflow.waits ?? []), ...(workflow.branches ?? []), ...(workflow.gates ?? [])].map(({ when }) => when),
  ];
  return [...new Set(conditions.flatMap((when) => (when === undefined ? [] : changedPatternsIn(when))))];
}
