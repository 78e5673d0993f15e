import {
  type Branch,
  branchTree,
  describeInput,
  type Gate,
  type Job,
  type Placed,
  type Trigger,
  type Wait,
  type Workflow,
} from '@solstice/common/workflow';
import picocolors from 'picocolors';
import { describeGate } from './describe-gate.js';
import { describeBranch, describeClock, describeEnv, describeJob, describeWait } from './describe-node.js';
import { describeSteps } from './describe-steps.js';
import { plain } from './plain.js';

/**
 * A workflow for people: what starts it, and its nodes in an order in which they can run, each job with the cells of its
 * matrix and its steps, each branch with what stands in it.
 */
export function describeWorkflow(workflow: Workflow, options: { color: boolean }): string {
  const paint = picocolors.createColors(options.color);
  const lines = [`${paint.bold(plain(workflow.name))}  ${paint.dim(plain(workflow.file))}`];
  lines.push(...workflow.on.map((trigger) => `  on ${describeTrigger(trigger)}`));
  if (workflow.on.length === 0) lines.push('  on nothing');
  lines.push(...describeEnv(workflow.env).map((line) => `  ${line}`));
  if (workflow.concurrency !== undefined) lines.push(`  ${describeConcurrency(workflow.concurrency)}`);
  lines.push(...describeClock('deadline', workflow.deadlineMs).map((line) => `  ${line}`));
  const { jobs, waits = [], branches = [], gates = [] } = workflow;
  const ordered = inOrder([...jobs, ...waits, ...branches, ...gates]);
  const tree = branchTree(ordered);
  for (const node of ordered) {
    lines.push('', `${paint.bold(plain(node.id))}${node.name === node.id ? '' : `  ${plain(node.name)}`}`);
    const said = describe(node);
    lines.push(...said.map((line) => `  ${line}`));
  }
  return `${lines.join('\n')}\n`;

  function describe(node: Node): string[] {
    if ('forMs' in node) return describeWait(node);
    if ('approvers' in node) return describeGate(node);
    if ('steps' in node) return [...describeJob(node), ...describeSteps(node, paint)];
    return describeBranch(node, tree.membersOf(node.id));
  }
}

type Node = Job | Wait | Gate | Branch;

function describeConcurrency({ group, policy }: NonNullable<Workflow['concurrency']>): string {
  const rules = { queue: 'one after the other', supersede: 'a newer one ends the older', allow: 'all at once' };
  return `group    ${plain(group)}: ${rules[policy]}`;
}

type Ordered = { id: string; needs: string[]; span: { line: number; column: number } } & Placed;

/**
 * Nodes after those that they need, and after the branch that they stand in; those of `on_failure` after all others;
 * otherwise as in the file.
 */
export function inOrder<Node extends Ordered>(nodes: readonly Node[]): Node[] {
  const late = ({ onFailure }: Node) => (onFailure === true ? 1 : 0);
  const inFile = [...nodes].sort(
    (a, b) => late(a) - late(b) || a.span.line - b.span.line || a.span.column - b.span.column,
  );
  const byId = new Map(inFile.map((node) => [node.id, node]));
  const tree = branchTree(inFile);
  const placed = new Set<string>();
  const ordered: Node[] = [];
  const place = (node: Node): void => {
    if (placed.has(node.id)) return;
    placed.add(node.id);
    const before = node.needs.flatMap((need) => [byId.get(need), ...tree.allIn(need)]);
    for (const needed of [byId.get(node.branch?.id ?? ''), ...before]) if (needed !== undefined) place(needed);
    ordered.push(node);
  };
  for (const node of inFile) place(node);
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
    case 'schedule':
      return `schedule ${plain(trigger.cron)} (${plain(trigger.timezone)})${trigger.missed === 'skip' ? ', not when it was missed' : ''}`;
    case 'manual':
      return `manual${trigger.inputs.length > 0 ? `, with ${plain(trigger.inputs.map(describeInput).join(', '))}` : ''}`;
  }
}
