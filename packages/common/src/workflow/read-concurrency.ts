import { identityOf, type Said } from '../kdl/index.js';
import type { WorkflowSink } from './diagnostic-codes.js';
import type { OpenText } from './open-texts.js';
import { readChoice } from './read-choice.js';
import { openName } from './read-names.js';
import { readWords } from './read-words.js';
import type { Workflow } from './workflow.js';

/** `concurrency group="${branch}" policy="supersede"`: without a policy, runs queue, since that loses nothing. */
export function readConcurrency(said: Said | undefined, open: OpenText[], sink: WorkflowSink): Workflow['concurrency'] {
  if (said === undefined) return undefined;
  const { node } = said;
  const inner = readWords(node, 'concurrency', sink);
  const written = identityOf(node, inner, 'group', sink);
  const group = openName(written, 'the name of a group', open, sink, 'group');
  const policy = readChoice(inner.get('policy'), ['supersede', 'queue', 'allow'], sink) ?? 'queue';
  if (written === undefined && inner.get('group') === undefined && node.arguments.length === 0 && !inner.hasUnknown) {
    const hint = 'Write concurrency group="${branch}" policy="supersede".';
    sink.error(node.headSpan, 'missing-value', '"concurrency" does not say which runs it is about', hint);
  }
  return group === undefined ? undefined : { group, policy };
}
