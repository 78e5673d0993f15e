import { nearestName } from '../errors/index.js';
import { quote, type Text } from '../kdl/index.js';
import type { WorkflowSink } from './diagnostic-codes.js';
import type { Need } from './read-node.js';
import type { Job } from './workflow.js';

/** A job or a wait, and where the names in it stand. */
export interface NodeInGraph {
  what: 'job' | 'wait';
  id: string;
  idText: Text;
  /** Its own, and before them those of its template. */
  needs: { template: Need[]; own: Need[] };
  job?: Job;
}

/** Ids once, needs that exist, no circles. `others`: ids of nodes that aren't built yet, which may be needed too. */
export function checkNeeds(nodes: readonly NodeInGraph[], others: ReadonlySet<string>, sink: WorkflowSink): void {
  const byId = new Map<string, NodeInGraph>();
  for (const one of nodes) {
    const { id } = one;
    const earlier = byId.get(id);
    if (earlier === undefined) {
      byId.set(id, one);
    } else {
      const { line } = earlier.idText.value.span;
      sink.error(
        one.idText.value.span,
        'duplicate-id',
        `there is a ${earlier.what} ${quote(id)} already`,
        `It stands in line ${line}; give this one another id.`,
      );
    }
  }
  const ids = [...byId.keys(), ...others];
  for (const one of byId.values()) {
    const seen = new Set<string>();
    for (const { text: need } of one.needs.own) {
      if (seen.has(need.text)) {
        sink.error(need.value.span, 'duplicate-need', `${quote(need.text)} is needed twice`, 'Once is enough.');
      }
      seen.add(need.text);
    }
    for (const need of needsOf(one)) {
      if (!byId.has(need.text) && !others.has(need.text)) reportUnknownNeed(one, need, ids, sink);
    }
  }
  for (const circle of circles(byId)) {
    const [first, second] = circle;
    const start = byId.get(first ?? '');
    const need = start === undefined ? undefined : needsOf(start).find((one) => one.text === (second ?? first));
    if (start === undefined || need === undefined) continue;
    const shown = [...circle, ...circle.slice(0, 1)];
    const path = shown.length > 12 ? [...shown.slice(0, 6), '…', ...shown.slice(-5)] : shown;
    sink.error(
      need.value.span,
      'needs-cycle',
      circle.length === 1
        ? `${start.what} ${quote(first ?? '')} needs itself`
        : `these jobs wait for each other: ${path.join(' -> ')}`,
      'Take one of these needs out.',
    );
  }
}

/** Each once. What the job says of a node comes in place of what its template says. */
export function needsOf({ needs }: NodeInGraph): Text[] {
  return [...new Map([...needs.template, ...needs.own].map(({ text }) => [text.text, text])).values()];
}

function reportUnknownNeed(one: NodeInGraph, need: Text, ids: string[], sink: WorkflowSink): void {
  const nearest = sink.isFull ? undefined : nearestName(need.text, ids);
  const known = ids.filter((id) => id !== one.id).slice(0, 10);
  sink.error(
    need.value.span,
    'unknown-need',
    `${one.what} ${quote(one.id)} needs ${quote(need.text)}, and there is no such job`,
    nearest !== undefined
      ? `Did you mean "${nearest}"?`
      : known.length === 0
        ? 'It is the only job.'
        : `There are: ${known.join(', ')}.`,
  );
}

/** One circle for each knot of jobs that wait for each other, beginning with the job that stands first in the file. */
function circles(byId: ReadonlyMap<string, NodeInGraph>): string[][] {
  const found: string[][] = [];
  const state = new Map<string, 'open' | 'done'>();
  const path: string[] = [];
  const visit = (id: string): void => {
    if (state.get(id) === 'done') return;
    if (state.get(id) === 'open') {
      found.push(path.slice(path.indexOf(id)));
      return;
    }
    state.set(id, 'open');
    path.push(id);
    const node = byId.get(id);
    for (const { text } of node === undefined ? [] : needsOf(node)) if (byId.has(text)) visit(text);
    path.pop();
    state.set(id, 'done');
  };
  for (const id of byId.keys()) visit(id);
  return found;
}
