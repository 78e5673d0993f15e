import { branchTree, cellIds, type Gate, type Job, type Placed, type Wait, type Workflow } from '../workflow/index.js';
import type { GroupSpec, JobSpec } from './spec.js';

/** By each id of a file, the nodes of the run that it stands for. */
export type Ids = ReadonlyMap<string, string[]>;

/** In the order of the file. */
export function byPlace({ span: a }: Pick<Job, 'span'>, { span: b }: Pick<Job, 'span'>): number {
  return a.line - b.line || a.column - b.column;
}

/** The nodes of which there may be one for each cell of a matrix. */
function withMatrix({ jobs, waits = [], gates = [] }: Workflow): (Job | Wait | Gate)[] {
  return [...jobs, ...waits, ...gates];
}

/** The nodes that each id of the file stands for, where that is not one of the same name: cells, or all of a branch. */
export function idsOfAll(workflow: Workflow): Ids {
  const cells = new Map(withMatrix(workflow).map((node) => [node.id, idsOf(node)]));
  const { branches = [] } = workflow;
  const tree = branchTree([...withMatrix(workflow), ...branches].sort(byPlace));
  const inside = (id: string) => tree.allIn(id).flatMap((inner) => cells.get(inner.id) ?? [inner.id]);
  return new Map([...cells, ...branches.map(({ id }): [string, string[]] => [id, [id, ...inside(id)]])]);
}

/** Those that somebody needs: what conditions read is what their node needs. */
export function bundlesOf(workflow: Workflow, ids: Ids): [string, string[]][] {
  const all = [...withMatrix(workflow), ...(workflow.branches ?? [])];
  const needed = new Set(all.flatMap(({ needs }) => needs));
  return all.flatMap(({ id }): [string, string[]][] => {
    const nodes = ids.get(id) ?? [id];
    return needed.has(id) && (nodes.length > 1 || nodes[0] !== id) ? [[id, nodes]] : [];
  });
}

function idsOf(job: Pick<Job, 'id' | 'matrix'>): string[] {
  return job.matrix === undefined
    ? [job.id]
    : cellIds(
        job.id,
        job.matrix.cells.map((cell) => cell.values),
      );
}

/** By the id of the job, wait or gate, which no cell has. */
export function groupsOf(workflow: Workflow): Record<string, GroupSpec> {
  return Object.fromEntries(
    withMatrix(workflow).flatMap(({ id, matrix }) =>
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

/** What is one for each cell of a matrix: its values and the rules of that cell. */
export interface Cell {
  values: Record<string, string>;
  allowFailure?: true;
}

export function eachCell(node: Pick<Job, 'id' | 'matrix'>, ids: Ids): { id: string; cell: Cell | undefined }[] {
  const own = ids.get(node.id) ?? [];
  if (node.matrix === undefined) return [{ id: own[0] ?? node.id, cell: undefined }];
  return node.matrix.cells.map((cell, index) => ({ id: own[index] ?? node.id, cell }));
}

/** A node with a matrix is needed as all of its cells, a branch as all that stands in it; what stands in one needs its decision. */
export function needsOf(
  node: { needs: string[]; needsOn?: Record<string, 'always' | 'failed'> } & Placed,
  ids: Ids,
): Pick<JobSpec, 'needs' | 'needsOn'> {
  const decision = node.branch === undefined ? [] : [node.branch.id];
  const needs = [...new Set([...decision, ...node.needs.flatMap((need) => ids.get(need) ?? [need])])];
  const needsOn = Object.entries(node.needsOn ?? {}).flatMap(([need, on]) =>
    (ids.get(need) ?? [need]).map((id): [string, typeof on] => [id, on]),
  );
  return { needs, ...(needsOn.length === 0 ? {} : { needsOn: Object.fromEntries(needsOn) }) };
}
