import type { Cause } from './cause.js';
import type { Draft } from './evolve.js';
import { matrixOf } from './graph.js';
import type { NodeFlow } from './messages.js';
import type { NodeSpec } from './spec.js';

/**
 * Whether a node may go on, now that all that it needs has ended: undefined, it may; else why it is skipped.
 *
 * What is needed without a word has to have succeeded, or to be skipped by its own choice; a failure that was allowed
 * counts as a success. `on="always"` is content with any ending. `on="failed"` wants a failure, allowed or not; of the
 * cells of one matrix that are needed so, and of all that stands in a branch, one failure is enough.
 */
export function reasonToSkip(draft: Draft, nodeId: string): Cause | undefined {
  const spec = draft.graph.spec(nodeId);
  const words = wordsFor(draft, spec);
  const blockers = new Set<string>();
  const wanted = new Map<string, { failed: boolean; name: string }>();
  for (const need of draft.graph.needs(nodeId)) {
    const node = draft.node(need);
    const on = Object.hasOwn(spec?.needsOn ?? {}, need) ? spec?.needsOn?.[need] : undefined;
    if (on === undefined) {
      for (const blocker of blockersOf(node)) {
        blockers.add(blocker);
      }
    } else if (on === 'failed') {
      const group = words.get(need) ?? matrixOf(draft.graph.spec(need))?.group;
      const key = group === undefined ? `node ${need}` : `several ${group}`;
      const failed = node.state === 'failed' || node.state === 'timed_out';
      wanted.set(key, { failed: failed || wanted.get(key)?.failed === true, name: group ?? need });
    }
  }
  if (blockers.size > 0) {
    return { kind: 'nodes', nodes: [...blockers] };
  }
  const content = [...wanted.values()].filter(({ failed }) => !failed).map(({ name }) => name);
  return content.length === 0 ? undefined : { kind: 'condition', detail: `${content.join(', ')} did not fail` };
}

/**
 * By each node that is needed with `on="failed"`, the id of the file that stands for it and for others, all of which are
 * needed so; the widest of them. Looked up once for all needs: of a matrix there may be a thousand.
 */
function wordsFor(draft: Draft, spec: NodeSpec | undefined): ReadonlyMap<string, string> {
  const on = spec?.needsOn;
  if (on === undefined) {
    return new Map();
  }
  const bundles = Object.entries(draft.head.spec.bundles ?? {})
    .filter(([, nodes]) => nodes.every((id) => Object.hasOwn(on, id) && on[id] === 'failed'))
    .sort(([, a], [, b]) => a.length - b.length);
  return new Map(bundles.flatMap(([word, nodes]) => nodes.map((id): [string, string] => [id, word])));
}

/**
 * The nodes for whose sake nothing may follow this one: none when it succeeded, was allowed to fail, or was skipped by
 * its own choice, and those at the root of it when it was skipped because of others.
 */
function blockersOf(node: NodeFlow): readonly string[] {
  if (node.state === 'succeeded' || node.tolerated === true) {
    return [];
  }
  if (node.state === 'skipped') {
    return node.cause?.kind === 'nodes' ? node.cause.nodes : [];
  }
  return [node.id];
}
