import { decisionsText } from '../gates/gate-view.js';
import type { NodeView } from '../schemas.js';

/** What a node is, beside its state, for people: each a line. What it waits for, or ended by, is said elsewhere. */
export function nodeFacts(node: NodeView): string[] {
  const { gate, branch, when, reusedFrom, taken } = node;
  const said = gate === undefined ? '' : decisionsText(gate);
  return [
    ...(reusedFrom ? [`not done again: it ended so in ${runName(reusedFrom)}`] : []),
    ...(branch ? [`in branch ${branch.id}, on its side ${branch.side}`] : []),
    // What it waits for says so, and who may, in other words.
    ...(node.onFailure && node.waitingFor === undefined
      ? ['begins when all else has ended, and only if something failed']
      : []),
    ...(when === undefined ? [] : [`when ${when}`]),
    ...(taken === undefined ? [] : [`took its side ${taken}`]),
    ...(node.tolerated ? ['was allowed to fail'] : []),
    ...(gate?.prompt === undefined ? [] : [`asks “${gate.prompt}”`]),
    ...(gate && !gate.open ? [whoMay(gate)] : []),
    ...(said === '' ? [] : [said]),
    ...(node.kind === 'job' ? outputsText(node) : []),
  ];
}

/** `run 11`; one that is not here by its id. */
export function runName(run: { runId: string; number?: number | undefined }): string {
  return `run ${run.number ?? run.runId}`;
}

function whoMay({ approvers, count, exclude }: NonNullable<NodeView['gate']>): string {
  const who = approvers.length === 0 ? 'anyone who may operate' : approvers.join(' or ');
  const many = count === 1 ? '' : `, ${count} of them`;
  return `decided by ${who}${exclude === undefined ? '' : ', but not the author'}${many}`;
}

function outputsText({ outputs = {} }: NodeView): string[] {
  const said = Object.entries(outputs).map(([name, value]) => `${name}=${value}`);
  return said.length === 0 ? [] : [`hands on ${said.join(', ')}`];
}
