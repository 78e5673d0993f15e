import { type CheckedText, checkText, isOpen, type NameValue, Scope } from '../expressions/index.js';
import {
  type Branch,
  changedPatternsOf,
  completeValues,
  type Diagnostic,
  firstLine,
  type Gate,
  isImageName,
  isPoolName,
  type Job,
  namesIn,
  type Placed,
  type Service,
  type Step,
  type Wait,
  type Workflow,
  workflowLimits,
} from '../workflow/index.js';
import type { BranchSpec, GateSpec, JobSpec, NodeSpec, RunSpec, ServiceSpec, StepSpec, WaitSpec } from './spec.js';
import { bundlesOf, byPlace, type Cell, eachCell, groupsOf, type Ids, idsOfAll, needsOf } from './written-ids.js';

/** The pool of a job that names none. */
export const DEFAULT_POOL = 'default';

/** What expressions of a run may read: `branch`, `sha`, `inputs.level`, … A name without a value is that of nothing. */
export type RunValues = Readonly<Record<string, NameValue>>;

/** A run can be made of it, or what expressions gave is no good, told at the places of the jobs. */
export type Frozen = { spec: RunSpec; diagnostics?: never } | { spec?: never; diagnostics: Diagnostic[] };

export interface FreezeOptions {
  /** Whether something changed that fits the pattern, for each of `changedPatternsOf`. One that is left out counts as changed. */
  changed?: Readonly<Record<string, boolean>>;
}

/**
 * What a run of this workflow will do, complete and unchangeable: expressions are evaluated, each cell of a matrix is a
 * node of its own (see `cellIds` for what it is called), and `setup` scripts are the first steps. The nodes stand in the
 * order of the file. Conditions stay as they are, with what they may read beside them: the values of the event, and what
 * changed.
 */
export function freeze(workflow: Workflow, values: RunValues = {}, { changed = {} }: FreezeOptions = {}): Frozen {
  const freezer = new Freezer(workflow, values);
  const env = freezer.texts(workflow.env, freezer.scope(undefined), values);
  const ids = idsOfAll(workflow);
  const written: { span: Job['span']; nodes: () => NodeSpec[] }[] = [
    ...workflow.jobs.map((job) => ({ span: job.span, nodes: () => freezer.job(job, ids, env) })),
    ...(workflow.waits ?? []).map((wait) => ({ span: wait.span, nodes: () => freezer.wait(wait, ids) })),
    ...(workflow.branches ?? []).map((branch) => ({ span: branch.span, nodes: () => [freezer.branch(branch, ids)] })),
    ...(workflow.gates ?? []).map((gate) => ({ span: gate.span, nodes: () => freezer.gate(gate, ids) })),
  ].sort(byPlace);
  const nodes = written.flatMap((one) => one.nodes());
  const concurrency = freezer.concurrency();
  if (freezer.diagnostics.length > 0) return { diagnostics: freezer.diagnostics };
  const groups = groupsOf(workflow);
  const bundles = bundlesOf(workflow, ids);
  const asked = changedPatternsOf(workflow);
  const conditional = nodes.some(hasConditions);
  const known = conditional ? completeValues(workflow.on, values) : { ...values };
  return {
    spec: {
      version: 1,
      workflow: {
        name: workflow.name,
        file: workflow.file,
        ...(workflow.sha256 === undefined ? {} : { sha256: workflow.sha256 }),
      },
      nodes,
      ...(concurrency === undefined ? {} : { concurrency }),
      ...(Object.keys(groups).length === 0 ? {} : { groups }),
      ...(Object.keys(known).length === 0 ? {} : { values: known }),
      ...(bundles.length === 0 ? {} : { bundles: Object.fromEntries(bundles) }),
      ...(asked.length === 0
        ? {}
        : {
            changed: Object.fromEntries(
              asked.map((one) => [one, !Object.hasOwn(changed, one) || changed[one] === true]),
            ),
          }),
      ...(workflow.deadlineMs === undefined ? {} : { deadlineMs: workflow.deadlineMs }),
    },
  };
}

function hasConditions(node: NodeSpec): boolean {
  if (node.when !== undefined) return true;
  if (node.kind !== 'job') return false;
  return [...node.steps, ...(node.catch ?? []), ...(node.finally ?? [])].some(({ when }) => when !== undefined);
}

interface Place {
  scope: Scope;
  checked: Map<string, CheckedText | undefined>;
}

/** Evaluates the texts of one run, each understood once for all cells of a matrix. */
class Freezer {
  readonly diagnostics: Diagnostic[] = [];
  private length = 0;
  private at: Job | Wait | Gate | Branch | undefined;

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
    return eachCell(job, ids).map(({ id, cell }) => this.one(job, id, { pool, place }, needs, workflowEnv, cell));
  }

  wait(wait: Wait, ids: Ids): WaitSpec[] {
    return this.hostless(wait, ids).map(({ shared }) => ({ kind: 'wait', ...shared, forMs: wait.forMs }));
  }

  gate(gate: Gate, ids: Ids): GateSpec[] {
    return this.hostless(gate, ids).map(({ shared, place, values }) => ({
      kind: 'gate',
      ...shared,
      ...(gate.prompt !== undefined && { prompt: clip(this.text(gate.prompt, place, values), 1_000) }),
      approvers: [...gate.approvers],
      count: gate.count,
      ...(gate.exclude !== undefined && { exclude: gate.exclude }),
      inputs: gate.inputs.map((input) => ({ ...input })),
      ...(gate.timeoutMs !== undefined && { timeoutMs: gate.timeoutMs, timeoutThen: gate.timeoutThen ?? 'reject' }),
    }));
  }

  branch(branch: Branch, ids: Ids): BranchSpec {
    this.at = branch;
    return {
      kind: 'branch',
      id: branch.id,
      name: clip(this.text(branch.name, this.scope(undefined), this.values)),
      ...needsOf(branch, ids),
      ...placedOf(branch),
      when: branch.when,
      ...(branch.allowFailure === true && { allowFailure: true }),
      ...(branch.deadlineMs !== undefined && { deadlineMs: branch.deadlineMs }),
    };
  }

  /** A group that comes to the empty text, as `${branch}` of a tag does, is none. */
  concurrency(): RunSpec['concurrency'] {
    const { concurrency } = this.workflow;
    if (concurrency === undefined) return undefined;
    this.at = undefined;
    const group = this.text(concurrency.group, this.scope(undefined), this.values).trim();
    if (group.length > workflowLimits.groupCharacters || /[\p{Cc}\u2028\u2029]/u.test(group)) {
      this.refuse('group', concurrency.group, group, 'a group');
    }
    return group === '' ? undefined : { group, policy: concurrency.policy };
  }

  /** What waits and gates have in common: they have names and matrices, and no host. */
  private hostless(node: Wait | Gate, ids: Ids) {
    this.at = node;
    const place = this.scope({ axes: node.matrix?.axes ?? [], runsOn: false });
    return eachCell(node, ids).map(({ id, cell }) => {
      const values = this.valuesIn(cell);
      const shared = {
        id,
        name: clip(this.nameOf(node, place, values, cell?.values)),
        ...needsOf(node, ids),
        ...placedOf(node),
        ...((node.allowFailure === true || cell?.allowFailure === true) && { allowFailure: true as const }),
        ...(node.deadlineMs !== undefined && { deadlineMs: node.deadlineMs }),
        ...(cell !== undefined && { matrix: { group: node.id, cell: cell.values } }),
      };
      return { shared, place, values };
    });
  }

  private valuesIn(cell: Cell | undefined): Record<string, NameValue> {
    const values: Record<string, NameValue> = { ...this.values };
    for (const [axis, value] of Object.entries(cell?.values ?? {})) values[`matrix.${axis}`] = value;
    return values;
  }

  private service({ name, image, env, ready }: Service, place: Place, values: RunValues): ServiceSpec {
    const frozen = this.text(image, place, values);
    if (isOpen(image) && !isImageName(frozen)) this.refuse('image', image, frozen, 'an image');
    return {
      name,
      image: frozen,
      env: this.texts(env, place, values),
      ...(ready !== undefined && { ready: { ...ready } }),
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
    cell: Cell | undefined,
  ): JobSpec {
    const inCell = this.valuesIn(cell);
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
      ...placedOf(job),
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
      ...(job.services !== undefined && {
        services: job.services.map((service) => this.service(service, place, values)),
      }),
      ...(job.outputs !== undefined && { outputs: job.outputs }),
      steps: [...job.setup.map(setupStep), ...steps(job.steps)],
      ...(job.catch !== undefined && { catch: steps(job.catch) }),
      ...(job.finally !== undefined && { finally: steps(job.finally) }),
    };
  }

  /** `test (ubuntu, stable)`, unless the name says by itself what is different. */
  private nameOf(
    job: { name: string },
    place: Place,
    values: RunValues,
    cell: Record<string, string> | undefined,
  ): string {
    const name = this.text(job.name, place, values);
    const saysItself = isOpen(job.name) && job.name.includes('matrix');
    return cell === undefined || saysItself ? name : `${name} (${Object.values(cell).join(', ')})`;
  }

  private step(step: Step, place: Place, values: RunValues): StepSpec {
    return {
      name: clip(isScriptsName(step) ? step.name : this.text(step.name, place, values)),
      env: this.texts(step.env, place, values),
      ...(step.when !== undefined && { when: step.when }),
      ...(step.timeoutMs !== undefined && { timeoutMs: step.timeoutMs }),
      ...(step.silenceMs !== undefined && { silenceMs: step.silenceMs }),
      ...(step.deadlineMs !== undefined && { deadlineMs: step.deadlineMs }),
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

function placedOf({ when, branch, onFailure }: Placed): Pick<JobSpec, 'when' | 'branch' | 'onFailure'> {
  return {
    ...(when !== undefined && { when }),
    ...(branch !== undefined && { branch: { ...branch } }),
    ...(onFailure === true && { onFailure }),
  };
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
