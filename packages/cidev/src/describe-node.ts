import { sizeText } from '@solstice/common/kdl';
import {
  type Branch,
  cellIds,
  type Job,
  type Placed,
  type Retry,
  type Service,
  type Wait,
} from '@solstice/common/workflow';
import { describeDuration } from './describe-duration.js';
import { plain } from './plain.js';

/** What a job says of itself but its steps, a line each. */
export function describeJob(job: Job): string[] {
  return [
    ...describeNeeds(job),
    ...describePlaced(job),
    ...describeMatrix(job),
    `pool     ${plain(job.runsOn ?? 'default')}`,
    ...(job.image === undefined ? [] : [`image    ${plain(job.image)}`]),
    ...(job.resources === undefined ? [] : [`takes    ${describeResources(job.resources)}`]),
    ...(job.place === undefined ? [] : [`place    ${plain(describePlace(job.place))}`]),
    ...(job.exclusive === true ? ['         exclusive: never two at once'] : []),
    ...(job.allowFailure === true ? ['         may fail'] : []),
    ...(job.retry === undefined ? [] : [`retry    ${describeRetry(job.retry)}`]),
    ...describeClock('timeout', job.timeoutMs),
    ...describeClock('deadline', job.deadlineMs),
    ...describeClock('queue', job.queueMs),
    ...describeClock('silence', job.silenceMs),
    ...describeEnv(job.env),
    ...(job.services ?? []).flatMap(describeService),
    ...(job.outputs ?? []).map(({ name, file }) => `output   ${plain(name)} from ${plain(file)}`),
  ];
}

/** `members`: what stands directly in it. */
export function describeBranch(branch: Branch, members: readonly ({ id: string } & Placed)[]): string[] {
  const on = (side: 'then' | 'else') => members.filter((one) => one.branch?.side === side).map(({ id }) => id);
  return [
    ...describeNeeds(branch),
    ...describePlaced({ ...branch, when: undefined }),
    `if       ${plain(branch.when)}`,
    `then     ${plain(on('then').join(', '))}`,
    ...(on('else').length === 0 ? [] : [`else     ${plain(on('else').join(', '))}`]),
    ...(branch.allowFailure === true ? ['         may fail'] : []),
    ...describeClock('deadline', branch.deadlineMs),
  ];
}

/** Where it stands, and when it runs. */
export function describePlaced({
  when,
  branch,
  onFailure,
}: { [Key in keyof Placed]?: Placed[Key] | undefined }): string[] {
  return [
    ...(onFailure === true ? ['in       on_failure'] : []),
    ...(branch === undefined ? [] : [`in       ${branch.id}, ${branch.side}`]),
    ...(when === undefined ? [] : [`when     ${plain(when)}`]),
  ];
}

export function describeWait(wait: Wait): string[] {
  return [
    ...describeNeeds(wait),
    ...describePlaced(wait),
    ...describeMatrix(wait),
    `waits    ${describeDuration(wait.forMs)}`,
    ...(wait.allowFailure === true ? ['         may fail'] : []),
    ...describeClock('deadline', wait.deadlineMs),
  ];
}

export function describeEnv(env: Record<string, string>): string[] {
  return Object.entries(env).map(([name, value]) => `env      ${plain(name)}=${plain(value)}`);
}

export function describeNeeds({ needs, needsOn = {} }: Pick<Job, 'needs' | 'needsOn'>): string[] {
  if (needs.length === 0) return [];
  const endings = { always: ' (however it ends)', failed: ' (if it fails)' };
  const said = needs.map((need) => {
    const on = Object.hasOwn(needsOn, need) ? needsOn[need] : undefined;
    return `${need}${on === undefined ? '' : endings[on]}`;
  });
  return [`needs    ${plain(said.join(', '))}`];
}

/** Its rules, then each cell by the id that its node will have. */
export function describeMatrix({ id, matrix }: Pick<Job, 'id' | 'matrix'>): string[] {
  if (matrix === undefined) return [];
  const ids = cellIds(
    id,
    matrix.cells.map(({ values }) => values),
  );
  const count = `${matrix.cells.length} ${matrix.cells.length === 1 ? 'cell' : 'cells'} of ${matrix.axes.join(', ')}`;
  const atOnce = matrix.maxParallel === undefined ? '' : `, ${matrix.maxParallel} at once`;
  const failure = matrix.onFailure === 'cancel' ? ', the first failure ends the others' : '';
  return [
    `matrix   ${plain(count)}${atOnce}${failure}`,
    ...matrix.cells.map(({ allowFailure }, index) => {
      return `         ${plain(ids[index] ?? '')}${allowFailure === true ? ' (may fail)' : ''}`;
    }),
  ];
}

function describeService({ name, image, env, ready }: Service): string[] {
  const asked =
    ready === undefined
      ? []
      : [
          `ready by ${plain(ready.command)}, every ${describeDuration(ready.intervalMs)} for ${describeDuration(ready.withinMs)}`,
        ];
  return [`service  ${plain(name)}, ${plain(image)}`, ...[...describeEnv(env), ...asked].map((line) => `  ${line}`)];
}

function describeRetry({ times, on, backoff }: Retry): string {
  const waits =
    backoff === undefined ? '' : `, after ${describeDuration(backoff.minMs)} to ${describeDuration(backoff.maxMs)}`;
  return `${times === 1 ? 'once' : `${times} times`}, for ${on.join(', ')}${waits}`;
}

export function describeClock(name: string, limitMs: number | undefined): string[] {
  return limitMs === undefined ? [] : [`${name.padEnd(8)} ${describeDuration(limitMs)}`];
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
