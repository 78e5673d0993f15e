import { sizeText } from '@solstice/common/kdl';
import { cellIds, type Job, type Retry, type Wait } from '@solstice/common/workflow';
import { describeDuration } from './describe-duration.js';
import { plain } from './plain.js';

/** What a job says of itself but its steps, a line each. */
export function describeJob(job: Job): string[] {
  return [
    ...describeNeeds(job),
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
    ...(job.outputs ?? []).map(({ name, file }) => `output   ${plain(name)} from ${plain(file)}`),
  ];
}

export function describeWait(wait: Wait): string[] {
  return [
    ...describeNeeds(wait),
    `waits    ${describeDuration(wait.forMs)}`,
    ...(wait.allowFailure === true ? ['         may fail'] : []),
    ...describeClock('deadline', wait.deadlineMs),
  ];
}

export function describeEnv(env: Record<string, string>): string[] {
  return Object.entries(env).map(([name, value]) => `env      ${plain(name)}=${plain(value)}`);
}

function describeNeeds({ needs, needsOn = {} }: Pick<Job, 'needs' | 'needsOn'>): string[] {
  if (needs.length === 0) return [];
  const endings = { always: ' (however it ends)', failed: ' (if it fails)' };
  const said = needs.map((need) => {
    const on = Object.hasOwn(needsOn, need) ? needsOn[need] : undefined;
    return `${need}${on === undefined ? '' : endings[on]}`;
  });
  return [`needs    ${plain(said.join(', '))}`];
}

/** Its rules, then each cell by the id that its node will have. */
function describeMatrix({ id, matrix }: Job): string[] {
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

function describeRetry({ times, on, backoff }: Retry): string {
  const waits =
    backoff === undefined ? '' : `, after ${describeDuration(backoff.minMs)} to ${describeDuration(backoff.maxMs)}`;
  return `${times === 1 ? 'once' : `${times} times`}, for ${on.join(', ')}${waits}`;
}

function describeClock(name: string, limitMs: number | undefined): string[] {
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
