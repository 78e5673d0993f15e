import { isOpen, type NameValue } from '../expressions/index.js';
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
import { type At, FrozenTexts, type Place, placeOf } from './frozen-texts.js';
import { lateTextsOf } from './late-places.js';
import { oneLine } from './one-line.js';
import type {
  BranchSpec,
  GateSpec,
  JobSpec,
  LateText,
  NodeSpec,
  RunSpec,
  ServiceSpec,
  StepSpec,
  WaitSpec,
} from './spec.js';
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
 * changed. So do expressions that read what nodes give (`late` of a node), with all else of their texts evaluated.
 */
export function freeze(workflow: Workflow, values: RunValues = {}, { changed = {} }: FreezeOptions = {}): Frozen {
  const freezer = new Freezer(workflow, values);
  const env = freezer.env();
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
  const readsLater = nodes.some((node) => hasConditions(node) || lateTextsOf(node).length > 0);
  const known = readsLater ? completeValues(workflow.on, values) : { ...values };
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

/** Characters of the name of a node or a step. */
const NAME = 120;

/** Makes the nodes of one run. Each text is understood once for all cells of a matrix. */
class Freezer {
  readonly diagnostics: Diagnostic[] = [];
  private readonly texts = new FrozenTexts((message) => this.tell(message));
  private at: Job | Wait | Gate | Branch | undefined;

  constructor(
    private readonly workflow: Workflow,
    private readonly values: RunValues,
  ) {}

  /** Of the workflow, which is no node, and reads what none of them gives. */
  env(): Record<string, string> {
    const place = this.scope(undefined);
    return Object.fromEntries(
      Object.entries(this.workflow.env).map(([name, text]) => [name, this.texts.text(text, place, this.values)]),
    );
  }

  private scope(job: { axes: readonly string[]; runsOn: boolean } | undefined): Place {
    return placeOf(namesIn(this.workflow.on, job));
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
      ...this.prompt(gate, place, values),
      approvers: [...gate.approvers],
      count: gate.count,
      ...(gate.exclude !== undefined && { exclude: gate.exclude }),
      inputs: gate.inputs.map((input) => ({ ...input })),
      ...(gate.timeoutMs !== undefined && { timeoutMs: gate.timeoutMs, timeoutThen: gate.timeoutThen ?? 'reject' }),
    }));
  }

  private prompt({ prompt }: Gate, place: Place, values: RunValues): Pick<GateSpec, 'prompt' | 'late'> {
    const late: LateText[] = [];
    const asked =
      prompt === undefined ? undefined : this.texts.lateText(prompt, { kind: 'prompt' }, { place, values, late });
    return {
      ...(asked !== undefined && { prompt: oneLine(asked, workflowLimits.promptCharacters) }),
      ...(late.length > 0 && { late }),
    };
  }

  branch(branch: Branch, ids: Ids): BranchSpec {
    this.at = branch;
    return {
      kind: 'branch',
      id: branch.id,
      name: oneLine(this.texts.text(branch.name, this.scope(undefined), this.values), NAME),
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
    const group = this.texts.text(concurrency.group, this.scope(undefined), this.values).trim();
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
        name: oneLine(this.nameOf(node, place, values, cell?.values), NAME),
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

  private service({ name, image, env, ready }: Service, at: At): ServiceSpec {
    const frozen = this.image(image, { kind: 'service-image', service: name }, at);
    return {
      name,
      ...(frozen !== undefined && { image: frozen }),
      env: this.texts.env(env, (variable) => ({ kind: 'service-env', service: name, name: variable }), at),
      ...(ready !== undefined && { ready: { ...ready } }),
    };
  }

  /** Undefined: it is late. */
  private image(written: string, place: LateText['at'], at: At): string | undefined {
    const image = this.texts.lateText(written, place, at);
    if (image !== undefined && isOpen(written) && !isImageName(image)) this.refuse('image', written, image, 'an image');
    return image;
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
    const runsOn = this.texts.text(job.runsOn ?? DEFAULT_POOL, pool, inCell);
    if (isOpen(job.runsOn ?? '') && !isPoolName(runsOn)) this.refuse('runs_on', job.runsOn, runsOn, 'a pool');
    const values = { ...inCell, runs_on: runsOn };
    const late: LateText[] = [];
    const at = { place, values, late };
    const image = job.image === undefined ? undefined : this.image(job.image, { kind: 'image' }, at);
    const env = this.texts.env(job.env, (name) => ({ kind: 'env', name }), at);
    // What the job says of a variable counts, also where it is known only later.
    const inherited = Object.entries(workflowEnv).filter(([name]) => !Object.hasOwn(job.env, name));
    const services = job.services?.map((service) => this.service(service, at));
    const steps = (all: readonly Step[], from: number): StepSpec[] =>
      all.map((step, index) => this.step(step, from + index, at));
    const afterSteps = job.setup.length + job.steps.length;
    return {
      kind: 'job',
      id,
      name: oneLine(this.nameOf(job, place, values, cell?.values), NAME),
      ...needs,
      ...placedOf(job),
      ...((job.allowFailure === true || cell?.allowFailure === true) && { allowFailure: true }),
      ...(job.deadlineMs !== undefined && { deadlineMs: job.deadlineMs }),
      runsOn,
      ...(image !== undefined && { image }),
      env: { ...Object.fromEntries(inherited), ...env },
      ...(job.timeoutMs !== undefined && { timeoutMs: job.timeoutMs }),
      ...(job.queueMs !== undefined && { queueMs: job.queueMs }),
      ...(job.silenceMs !== undefined && { silenceMs: job.silenceMs }),
      ...(job.retry !== undefined && { retry: job.retry }),
      ...(job.resources !== undefined && { resources: { ...job.resources } }),
      ...(job.place !== undefined && { place: { ...job.place, hosts: [...job.place.hosts] } }),
      ...(job.exclusive === true && { exclusive: true }),
      ...(cell !== undefined && { matrix: { group: job.id, cell: cell.values } }),
      ...(services !== undefined && { services }),
      ...(job.outputs !== undefined && { outputs: job.outputs }),
      steps: [...job.setup.map(setupStep), ...steps(job.steps, job.setup.length)],
      ...(job.catch !== undefined && { catch: steps(job.catch, afterSteps) }),
      ...(job.finally !== undefined && { finally: steps(job.finally, afterSteps + (job.catch ?? []).length) }),
      // Filled by all that stands above.
      ...(late.length > 0 && { late }),
    };
  }

  /** `test (ubuntu, stable)`, unless the name says by itself what is different. */
  private nameOf(
    job: { name: string },
    place: Place,
    values: RunValues,
    cell: Record<string, string> | undefined,
  ): string {
    const name = this.texts.text(job.name, place, values);
    const saysItself = isOpen(job.name) && job.name.includes('matrix');
    return cell === undefined || saysItself ? name : `${name} (${Object.values(cell).join(', ')})`;
  }

  /** `number`: among all steps of the job. */
  private step(step: Step, number: number, at: At): StepSpec {
    return {
      name: oneLine(isScriptsName(step) ? step.name : this.texts.text(step.name, at.place, at.values), NAME),
      env: this.texts.env(step.env, (name) => ({ kind: 'step-env', step: number, name }), at),
      ...(step.when !== undefined && { when: step.when }),
      ...(step.timeoutMs !== undefined && { timeoutMs: step.timeoutMs }),
      ...(step.silenceMs !== undefined && { silenceMs: step.silenceMs }),
      ...(step.deadlineMs !== undefined && { deadlineMs: step.deadlineMs }),
      ...(step.allowFailure === true && { allowFailure: true }),
      action: { ...step.action },
    };
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
      message: oneLine(message.replace(/[\p{Cc}\p{Cf}]/gu, ' '), 300),
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
