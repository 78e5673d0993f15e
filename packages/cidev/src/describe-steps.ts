import type { Job, Step } from '@solstice/common/workflow';
import type picocolors from 'picocolors';
import { describeDuration } from './describe-duration.js';
import { describeEnv } from './describe-node.js';
import { plain } from './plain.js';

/** The steps of a job, numbered as its log has them: those of `catch` and `finally` after the others. */
export function describeSteps(job: Job, paint: ReturnType<typeof picocolors.createColors>): string[] {
  const steps = [...job.setup.map(asStep), ...job.steps];
  const all = [...steps, ...(job.catch ?? []), ...(job.finally ?? [])];
  const widest = Math.min(30, Math.max(0, ...all.map((step) => plain(step.name).length)));
  let number = 0;
  const lines: string[] = [];
  const put = (some: readonly Step[]): void => {
    for (const step of some) {
      number += 1;
      lines.push(`${paint.dim(`${number}.`)} ${describeStep(step, widest)}`);
      lines.push(...describeEnv(step.env).map((line) => `   ${line}`));
    }
  };
  put(steps);
  if (job.catch !== undefined) lines.push('if they fail:');
  put(job.catch ?? []);
  if (job.finally !== undefined) lines.push('at the end:');
  put(job.finally ?? []);
  return lines;
}

function asStep(path: string): Step {
  return { name: 'setup', env: {}, action: { kind: 'script', path } };
}

function describeStep(step: Step, width: number): string {
  const what = step.action.kind === 'script' ? step.action.path : shortened(step.action.script);
  const rules = [
    ...(step.when === undefined ? [] : [`when ${plain(step.when)}`]),
    ...(step.timeoutMs === undefined ? [] : [`timeout ${describeDuration(step.timeoutMs)}`]),
    ...(step.deadlineMs === undefined ? [] : [`deadline ${describeDuration(step.deadlineMs)}`]),
    ...(step.silenceMs === undefined ? [] : [`silence ${describeDuration(step.silenceMs)}`]),
    ...(step.allowFailure === true ? ['may fail'] : []),
  ];
  const limit = rules.length === 0 ? '' : `  (${rules.join(', ')})`;
  const name = plain(step.name);
  return `${name === what ? name : `${name.padEnd(width)}  ${what}`}${limit}`;
}

function shortened(script: string): string {
  const [first = '', ...rest] = script.trim().split('\n');
  const more = rest.length === 0 ? '' : ` … (${rest.length + 1} lines)`;
  const line = plain(first);
  return `${line.length > 80 ? `${line.slice(0, 79)}…` : line}${more}`;
}
