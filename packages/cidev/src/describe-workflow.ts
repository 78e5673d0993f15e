import { describeInput, type Trigger, type Workflow } from '@solstice/common/workflow';
import picocolors from 'picocolors';
import { describeEnv, describeJob, describeWait } from './describe-node.js';
import { describeSteps } from './describe-steps.js';
import { plain } from './plain.js';

/**
 * A workflow for people: what starts it, and its jobs and waits in an order in which they can run, each job with the cells
 * of its matrix and its steps.
 */
export function describeWorkflow(workflow: Workflow, options: { color: boolean }): string {
  const paint = picocolors.createColors(options.color);
  const lines = [`${paint.bold(plain(workflow.name))}  ${paint.dim(plain(workflow.file))}`];
  lines.push(...workflow.on.map((trigger) => `  on ${describeTrigger(trigger)}`));
  if (workflow.on.length === 0) lines.push('  on nothing');
  lines.push(...describeEnv(workflow.env).map((line) => `  ${line}`));
  for (const node of inOrder([...workflow.jobs, ...(workflow.waits ?? [])])) {
    lines.push('', `${paint.bold(plain(node.id))}${node.name === node.id ? '' : `  ${plain(node.name)}`}`);
    const said = 'forMs' in node ? describeWait(node) : [...describeJob(node), ...describeSteps(node, paint)];
    lines.push(...said.map((line) => `  ${line}`));
  }
  return `${lines.join('\n')}\n`;
}

/** Nodes after those that they need; otherwise as in the file. */
export function inOrder<Node extends { id: string; needs: string[]; span: { line: number; column: number } }>(
  nodes: readonly Node[],
): Node[] {
  const inFile = [...nodes].sort((a, b) => a.span.line - b.span.line || a.span.column - b.span.column);
  const byId = new Map(inFile.map((node) => [node.id, node]));
  const placed = new Set<string>();
  const ordered: Node[] = [];
  const place = (node: Node): void => {
    if (placed.has(node.id)) return;
    placed.add(node.id);
    for (const need of node.needs) {
      const needed = byId.get(need);
      if (needed !== undefined) place(needed);
    }
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
      return `schedule ${plain(trigger.cron)} (${plain(trigger.timezone)})`;
    case 'manual':
      return `manual${trigger.inputs.length > 0 ? `, with ${plain(trigger.inputs.map(describeInput).join(', '))}` : ''}`;
  }
}
