import { type CheckedText, checkText, isOpen, type NameValue, Scope } from '../expressions/index.js';
import {
  cellIds,
  type Diagnostic,
  firstLine,
  isImageName,
  isPoolName,
  type Job,
  namesIn,
  type Step,
  type Wait,
  type Workflow,
  workflowLimits,
} from '../workflow/index.js';
import type { GroupSpec, JobSpec, NodeSpec, RunSpec, StepSpec } from './spec.js';

/** The pool of a job that names none. */
export const DEFAULT_POOL = 'default';

/** What expressions of a run may read: `branch`, `sha`, `inputs.level`, … A name without a value is that of nothing. */
export type RunValues = Readonly<Record<string, NameValue>>;

/** A run can be made of it, or what expressions gave is no good, told at the places of the jobs. */
export type Frozen = { spec: RunSpec; diagnostics?: never } | { spec?: never; diagnostics: Diagnostic[] };

/**
 * What a run of this workflow will do, complete and unchangeable: expressions are evaluated, each cell of a matrix is a
 * node of its own (see `cellIds` for what it is called), and `setup` scripts are the first steps. The nodes stand in the
 * order of the file.
 */
export function freeze(workflow: Workflow, values: RunValues = {}): Frozen {
  const freezer = new Freezer(workflow, values);
  const env = freezer.texts(workflow.env, freezer.scope(undefined), values);
  const ids = new Map(workflow.jobs.map((job) => [job.id, idsOf(job)]));
  const written = [
    ...workflow.jobs.map((job) => ({ span: job.span, nodes: () => freezer.job(job, ids, env) })),
    ...(workflow.waits ?? []).map((wait) => ({ span: wait.span, nodes: () => [freezer.wait(wait, ids)] })),
  ].sort((a, b) => a.span.line - b.span.line || a.span.column - b.span.column);
  const nodes: NodeSpec[] = written.flatMap((one) => one.nodes());
  if (freezer.diagnostics.length > 0) return { diagnostics: freezer.diagnostics };
  const groups = groupsOf(workflow);
  return {
    spec: {
      version: 1,
      workflow: { name: workflow.name, file: workflow.file },
      nodes,
      ...(Object.keys(groups).length === 0 ? {} : { groups }),
      ...(Object.keys(values).length === 0 ? {} : { values: { ...values } }),
    },
  };
}

type Ids = ReadonlyMap<string, string[]>;

function idsOf(job: Job): string[] {
  return job.matrix === undefined
    ? [job.id]
    : cellIds(
        job.id,
        job.matrix.cells.map((cell) => cell.values),
      );
}

/** By the id of the job, which no cell has. */
function groupsOf(workflow: Workflow): Record<string, GroupSpec> {
  return Object.fromEntries(
    workflow.jobs.flatMap(({ id, matrix }) =>
      matrix === undefined
        ? []
        : [
            [
              id,
              {
                ...(matrix.maxParallel === undefined ? {} : { maxParallel: matrix.maxParallel }),
                onFailure: matrix.onFailure,
              },
            ],
          ],
    ),
  );
}

interface Place {
  scope: Scope;
  checked: Map<string, CheckedText | undefined>;
}

/** Evaluates the texts of one run, each understood once for all cells of a matrix. */
class Freezer {
  readonly diagnostics: Diagnostic[] = [];
  private length = 0;
  private at: Job | Wait | undefined;

  constructor(
    private readonly workflow: Workflow,
    private readonly values: RunValues,
  ) {}

  scope(job: { axes: readonly string[]; runsOn: boolean } | undefined): Place {
    return { scope: new Scope(namesIn(this.workflow.on, job)), checked: new Map() };
  }

  job(job: Job, ids: Ids, workflowEnv: Record<string, string>): JobSpec[] {
    this.at = job;
    const axes = job.matrix?.axes ?? [];
    const pool = this.scope({ axes, runsOn: false });
    const place = this.scope({ axes, runsOn: true });
    const needs = needsOf(job, ids);
    const [ownId] = ids.get(job.id) ?? [];
    if (job.matrix === undefined) {
      return [this.one(job, ownId ?? job.id, { pool, place }, needs, workflowEnv)];
    }
    return job.matrix.cells.map(({ values, allowFailure }, index) =>
      this.one(job, ids.get(job.id)?.[index] ?? job.id, { pool, place }, needs, workflowEnv, {
        values,
        ...(allowFailure === undefined ? {} : { allowFailure }),
      }),
    );
  }

  wait(wait: Wait, ids: Ids): NodeSpec {
    this.at = wait;
    return {
      kind: 'wait',
      id: wait.id,
      name: clip(this.text(wait.name, this.scope(undefined), this.values)),
      ...needsOf(wait, ids),
      ...(wait.allowFailure === true && { allowFailure: true }),
      ...(wait.deadlineMs !== undefined && { deadlineMs: wait.deadlineMs }),
      forMs: wait.forMs,
    };
  }

  texts(all: Record<string, string>, place: Place, values: RunValues): Record<string, string> {
    return Object.fromEntries(Object.entries(all).map(([name, text]) => [name, this.text(text, place, values)]));
  }

  private one(
    job: Job,
    id: string,
    { pool, place }: { pool: Place; place: Place },
    needs: Pick<JobSpec, 'needs' | 'needsOn'>,
    workflowEnv: Record<string, string>,
    cell?: { values: Record<string, string>; allowFailure?: true },
  ): JobSpec {
    const inCell: Record<string, NameValue> = { ...this.values };
    for (const [axis, value] of Object.entries(cell?.values ?? {})) inCell[`matrix.${axis}`] = value;
    const runsOn = this.text(job.runsOn ?? DEFAULT_POOL, pool, inCell);
    if (isOpen(job.runsOn ?? '') && !isPoolName(runsOn)) this.refuse('runs_on', job.runsOn, runsOn, 'a pool');
    const values = { ...inCell, runs_on: runsOn };
    const image = job.image === undefined ? undefined : this.text(job.image, place, values);
    if (image !== undefined && isOpen(job.image ?? '') && !isImageName(image)) {
      this.refuse('image', job.image, image, 'an image');
    }
    const steps = (all: readonly Step[]): StepSpec[] => all.map((step) => this.step(step, place, values));
    return {
      kind: 'job',
      id,
      name: clip(this.nameOf(job, place, values, cell?.values)),
      ...needs,
      ...((job.allowFailure === true || cell?.allowFailure === true) && { allowFailure: true }),
      ...(job.deadlineMs !== undefined && { deadlineMs: job.deadlineMs }),
      runsOn,
      ...(image !== undefined && { image }),
      env: { ...workflowEnv, ...this.texts(job.env, place, values) },
      ...(job.timeoutMs !== undefined && { timeoutMs: job.timeoutMs }),
      ...(job.queueMs !== undefined && { queueMs: job.queueMs }),
      ...(job.silenceMs !== undefined && { silenceMs: job.silenceMs }),
      ...(job.retry !== undefined && { retry: job.retry }),
      ...(job.resources !== undefined && { resources: { ...job.resources } }),
      ...(job.place !== undefined && { place: { ...job.place, hosts: [...job.place.hosts] } }),
      ...(job.exclusive === true && { exclusive: true }),
      ...(cell !== undefined && { matrix: { group: job.id, cell: cell.values } }),
      ...(job.outputs !== undefined && { outputs: job.outputs }),
      steps: [...job.setup.map(setupStep), ...steps(job.steps)],
      ...(job.catch !== undefined && { catch: steps(job.catch) }),
      ...(job.finally !== undefined && { finally: steps(job.finally) }),
    };
  }

  /** `test (ubuntu, stable)`, unless the name says by itself what is different. */
  private nameOf(job: Job, place: Place, values: RunValues, cell: Record<string, string> | undefined): string {
    const name = this.text(job.name, place, values);
    const saysItself = isOpen(job.name) && job.name.includes('matrix');
    return cell === undefined || saysItself ? name : `${name} (${Object.values(cell).join(', ')})`;
  }

  private step(step: Step, place: Place, values: RunValues): StepSpec {
    return {
      name: clip(isScriptsName(step) ? step.name : this.text(step.name, place, values)),
      env: this.texts(step.env, place, values),
      ...(step.timeoutMs !== undefined && { timeoutMs: step.timeoutMs }),
      ...(step.silenceMs !== undefined && { silenceMs: step.silenceMs }),
      ...(step.allowFailure === true && { allowFailure: true }),
      action: { ...step.action },
    };
  }

  private text(text: string, place: Place, values: RunValues): string {
    if (!isOpen(text)) return text;
    let checked = place.checked.get(text);
    if (!place.checked.has(text)) {
      const result = checkText(text, place.scope);
      checked = 'checked' in result ? result.checked : undefined;
      place.checked.set(text, checked);
      // The parser has told it, with its place: this is for a workflow that did not come from it.
      if ('problems' in result) this.tell(`${text}: ${result.problems[0]?.message ?? ''}`);
    }
    const evaluated = checked?.evaluate(values) ?? { text: '' };
    if ('problem' in evaluated) {
      this.tell(`${text}: ${evaluated.problem}`);
      return '';
    }
    this.length += evaluated.text.length;
    if (this.length > workflowLimits.textOfRun) {
      if (this.length - evaluated.text.length <= workflowLimits.textOfRun) this.tell('expressions give too much text');
      return '';
    }
    return evaluated.text;
  }

  private refuse(word: string, written: string | undefined, value: string, what: string): void {
    this.tell(`${word}="${written ?? ''}" gives "${value}", which is not the name of ${what}`);
  }

  private tell(message: string): void {
    if (this.diagnostics.length >= 20) return;
    const start = { line: 1, column: 1, endLine: 1, endColumn: 1 };
    this.diagnostics.push({
      file: this.workflow.file,
      ...(this.at?.span ?? start),
      severity: 'error',
      code: 'bad-value',
      message: clip(message.replace(/[\p{Cc}\p{Cf}]/gu, ' '), 300),
      hint: 'Look at what the event of this run has: a name that it has nothing for is the empty text.',
    });
  }
}

/** A job with a matrix is needed as all of its cells. */
function needsOf(
  node: { needs: string[]; needsOn?: Record<string, 'always' | 'failed'> },
  ids: Ids,
): Pick<JobSpec, 'needs' | 'needsOn'> {
  const needs = node.needs.flatMap((need) => ids.get(need) ?? [need]);
  const needsOn = Object.entries(node.needsOn ?? {}).flatMap(([need, on]) =>
    (ids.get(need) ?? [need]).map((id): [string, typeof on] => [id, on]),
  );
  return { needs, ...(needsOn.length === 0 ? {} : { needsOn: Object.fromEntries(needsOn) }) };
}

/** A step without a name has the first line of its script, in which `${NAME}` is the shell's own. */
function isScriptsName({ name, action }: Step): boolean {
  return action.kind === 'run' && name === firstLine(action.script);
}

function setupStep(path: string): StepSpec {
  return { name: `setup: ${path}`, env: {}, action: { kind: 'script', path } };
}

/** One line, not endless: what an expression gives may be anything. */
function clip(text: string, most = 120): string {
  const line = text.replace(/[\p{Cc}\u2028\u2029]/gu, ' ');
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}
