import { sizeText } from '@solstice/common/kdl';
import { describeInput, type Job, type Step, type Trigger, type Workflow } from '@solstice/common/workflow';
import picocolors from 'picocolors';

/** A workflow for people: what starts it, and its jobs in an order in which they can run, each with its steps. */
export function describeWorkflow(workflow: Workflow, options: { color: boolean }): string {
  const paint = picocolors.createColors(options.color);
  const lines = [`${paint.bold(plain(workflow.name))}  ${paint.dim(plain(workflow.file))}`];
  lines.push(...workflow.on.map((trigger) => `  on ${describeTrigger(trigger)}`));
  if (workflow.on.length === 0) lines.push('  on nothing');
  lines.push(...describeEnv(workflow.env).map((line) => `  ${line}`));
  for (const job of inOrder(workflow.jobs)) {
    lines.push('', `${paint.bold(plain(job.id))}${job.name === job.id ? '' : `  ${plain(job.name)}`}`);
    lines.push(...describeJob(job).map((line) => `  ${line}`));
    const steps = [...job.setup.map(asStep), ...job.steps];
    const widest = Math.min(30, Math.max(0, ...steps.map((step) => plain(step.name).length)));
    for (const [index, step] of steps.entries()) {
      lines.push(`  ${paint.dim(`${index + 1}.`)} ${describeStep(step, widest)}`);
      lines.push(...describeEnv(step.env).map((line) => `     ${line}`));
    }
  }
  return `${lines.join('\n')}\n`;
}

/** Jobs after those that they need; otherwise as in the file. */
export function inOrder(jobs: readonly Job[]): Job[] {
  const byId = new Map(jobs.map((job) => [job.id, job]));
  const placed = new Set<string>();
  const ordered: Job[] = [];
  const place = (job: Job): void => {
    if (placed.has(job.id)) return;
    placed.add(job.id);
    for (const need of job.needs) {
      const needed = byId.get(need);
      if (needed !== undefined) place(needed);
    }
    ordered.push(job);
  };
  for (const job of jobs) place(job);
  return ordered;
}

function describeTrigger(trigger: Trigger): string {
  switch (trigger.event) {
    case 'push':
    case 'pull_request': {
      const branches = trigger.branches.length > 0 ? ` to ${plain(trigger.branches.join(', '))}` : ' to any branch';
      const paths = trigger.paths === undefined ? '' : `, of ${plain(trigger.paths.join(', '))}`;
      return `${trigger.event}${branches}${paths}${trigger.ignore === undefined ? '' : `, not ${plain(trigger.ignore.join(', '))}`}`;
    }
    case 'tag':
      return `tag ${trigger.match.length > 0 ? plain(trigger.match.join(', ')) : 'of any name'}`;
    case 'comment':
      return `comment ${plain(trigger.match)}`;
    case 'manual':
      return `manual${trigger.inputs.length > 0 ? `, with ${plain(trigger.inputs.map(describeInput).join(', '))}` : ''}`;
  }
}

function describeJob(job: Job): string[] {
  return [
    ...(job.needs.length > 0 ? [`needs    ${plain(job.needs.join(', '))}`] : []),
    `pool     ${plain(job.runsOn ?? 'default')}`,
    ...(job.image === undefined ? [] : [`image    ${plain(job.image)}`]),
    ...(job.resources === undefined ? [] : [`takes    ${describeResources(job.resources)}`]),
    ...(job.place === undefined ? [] : [`place    ${plain(describePlace(job.place))}`]),
    ...(job.exclusive === true ? ['         exclusive: never two at once'] : []),
    ...(job.timeoutMs === undefined ? [] : [`timeout  ${describeDuration(job.timeoutMs)}`]),
    ...describeEnv(job.env),
  ];
}

function describeResources({ cpus, memoryBytes }: NonNullable<Job['resources']>): string {
  return [
    ...(cpus === undefined ? [] : [`${cpus} ${cpus === 1 ? 'cpu' : 'cpus'}`]),
    ...(memoryBytes === undefined ? [] : [sizeText(memoryBytes)]),
  ].join(', ');
}

function describePlace({ hosts, otherwise, on }: NonNullable<Job['place']>): string {
  const elsewhere = otherwise === undefined ? '' : ', otherwise any host';
  return `${hosts.join(', then ')}${elsewhere}${on === 'any' ? ', also after a failure' : ''}`;
}

function describeEnv(env: Record<string, string>): string[] {
  return Object.entries(env).map(([name, value]) => `env      ${plain(name)}=${plain(value)}`);
}

function asStep(path: string): Step {
  return { name: 'setup', env: {}, action: { kind: 'script', path } };
}

function describeStep(step: Step, width: number): string {
  const what = step.action.kind === 'script' ? step.action.path : shortened(step.action.script);
  const limit = step.timeoutMs === undefined ? '' : `  (timeout ${describeDuration(step.timeoutMs)})`;
  const name = plain(step.name);
  return `${name === what ? name : `${name.padEnd(width)}  ${what}`}${limit}`;
}

function shortened(script: string): string {
  const [first = '', ...rest] = script.trim().split('\n');
  const more = rest.length === 0 ? '' : ` … (${rest.length + 1} lines)`;
  const line = plain(first);
  return `${line.length > 80 ? `${line.slice(0, 79)}…` : line}${more}`;
}

/** `90000` is `1m 30s`. */
export function describeDuration(durationMs: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
    ['ms', 1],
  ] as const;
  let rest = durationMs;
  const parts: string[] = [];
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count}${unit}`);
  }
  return parts.length === 0 ? '0s' : parts.join(' ');
}

/** Nothing of a file commands the terminal. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '\u00b7');
}
