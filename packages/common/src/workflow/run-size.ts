import { branchTree } from './branch-tree.js';
import type { WorkflowSink } from './diagnostic-codes.js';
import { workflowLimits } from './limits.js';
import { type NodeInGraph, needsOf } from './needs-graph.js';
import type { Job, Step } from './workflow.js';

/** What a small file may make of itself by matrices and templates. Tells the first place that is too much. */
export function checkSize(nodes: readonly NodeInGraph[], sink: WorkflowSink): void {
  const tree = branchTree(nodes);
  const cells = new Map(nodes.map((node) => [node.id, cellsOf(node)]));
  const needed = new Map(cells);
  for (const { what, id } of nodes) {
    if (what !== 'branch') continue;
    needed.set(id, 1 + tree.allIn(id).reduce((sum, inner) => sum + (cells.get(inner.id) ?? 1), 0));
  }
  let [allCells, needs, steps, text] = [0, 0, 0, 0];
  for (const node of nodes) {
    const { job, idText } = node;
    const count = cellsOf(node);
    const span = idText.value.span;
    if (node.matrix !== undefined) {
      allCells += count;
      if (allCells > workflowLimits.cells) {
        const message = `the matrices of this workflow have more than ${workflowLimits.cells} cells`;
        sink.error(span, 'too-many-cells', message, 'Split it into several workflows.');
        return;
      }
    }
    for (const need of needsOf(node)) {
      needs += count * (needed.get(need.text) ?? 1);
      if (needs > workflowLimits.needsOfRun) {
        const hint = 'Put a job between two matrices: it needs all of the one, and all of the other need it.';
        sink.error(need.value.span, 'too-many-needs', `a run may have ${workflowLimits.needsOfRun} needs`, hint);
        return;
      }
    }
    const all = [...(job?.steps ?? []), ...(job?.catch ?? []), ...(job?.finally ?? [])];
    steps += count * (all.length + (job?.setup.length ?? 0));
    text += count * (job === undefined ? (node.textLength ?? 0) : lengthOfJob(job, all));
    if (steps > workflowLimits.stepsOfRun || text > workflowLimits.textOfRun) {
      const message =
        steps > workflowLimits.stepsOfRun
          ? `a run may have ${workflowLimits.stepsOfRun} steps`
          : `the scripts, variables and inputs of a run may have ${workflowLimits.textOfRun / 1024 / 1024} MiB`;
      const hint = 'Each cell of a matrix counts. Make the matrix smaller, or put scripts into files.';
      sink.error(span, 'run-too-large', message, hint);
      return;
    }
  }
}

function lengthOfJob({ env, services = [] }: Job, steps: readonly Step[]): number {
  return (
    lengthOf(env) +
    services.reduce((sum, one) => sum + lengthOf(one.env) + (one.ready?.command.length ?? 0), 0) +
    steps.reduce((sum, step) => sum + lengthOfStep(step), 0)
  );
}

function cellsOf({ matrix }: Pick<NodeInGraph, 'matrix'>): number {
  return matrix?.cells.length ?? 1;
}

function lengthOfStep({ name, env, when = '', action }: Step): number {
  return (
    name.length + when.length + lengthOf(env) + (action.kind === 'run' ? action.script.length : action.path.length)
  );
}

function lengthOf(env: Record<string, string>): number {
  return Object.entries(env).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
}
