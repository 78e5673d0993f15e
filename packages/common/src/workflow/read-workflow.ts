import { identityOf, type LocatedNode, type SaidWords, type SpanMaker } from '../kdl/index.js';
import type { ConditionPlace } from './condition-names.js';
import type { WorkflowSink } from './diagnostic-codes.js';
import { ExpressionChecker } from './expression-checker.js';
import { checkNeeds, type NodeInGraph, needsOf, upstreamIn } from './needs-graph.js';
import { noteOpen, type OpenText } from './open-texts.js';
import { readConcurrency } from './read-concurrency.js';
import { readEnv } from './read-env.js';
import { readTemplates } from './read-job.js';
import { checkedName } from './read-names.js';
import { readClocks } from './read-node.js';
import { readNodes } from './read-nodes.js';
import { readTriggers } from './read-triggers.js';
import { readWords, reportUnknown } from './read-words.js';
import { checkSize } from './run-size.js';
import { wordIn } from './words.js';
import type { Workflow } from './workflow.js';

/** The meaning of a document. What it returns counts only if the sink has no errors then. */
export function readWorkflow(
  file: string,
  document: LocatedNode[],
  lines: SpanMaker,
  sink: WorkflowSink,
): Workflow | undefined {
  const [node, ...others] = document.filter((one) => wordIn('file', one.name) !== undefined);
  for (const one of document) {
    if (wordIn('file', one.name) === undefined) reportUnknown(one, 'file', sink);
  }
  for (const other of others) {
    sink.error(
      other.headSpan,
      'second-workflow',
      'a file holds one workflow, and this is another',
      'Move it to a file of its own.',
    );
  }
  if (node === undefined) {
    if (document.length === 0) {
      sink.error(
        lines(0, 0),
        'missing-workflow',
        'there is no workflow in this file',
        'Begin with workflow name="…" { … }.',
      );
    }
    return undefined;
  }
  const said = readWords(node, 'workflow', sink);
  const named = identityOf(node, said, 'name', sink);
  const name = checkedName(named, 'the name of a workflow', lines, sink);
  if (named === undefined && said.get('name') === undefined && node.arguments.length === 0 && !said.hasUnknown) {
    sink.error(
      node.headSpan,
      'missing-name',
      'this workflow has no name',
      'Write workflow name="…": it is what the check is called.',
    );
  }
  const on = readTriggers(node, said, lines, sink);
  const open: OpenText[] = [];
  const env = readEnv(said.all('env'), (text) => noteOpen(text, open, 'workflow'), sink);
  const concurrency = readConcurrency(said.get('concurrency'), open, sink);
  const templates = readTemplates(said, lines, sink);
  const nodes = readNodes(said, templates, lines, sink);
  const { deadlineMs } = readClocks(said, ['deadline'], sink);
  if (!nodes.hasWork && idsOfLaterNodes(said).size === 0 && !said.hasUnknown) {
    sink.error(
      node.headSpan,
      'missing-jobs',
      'this workflow has no jobs',
      'Give it one: job id="build" { step run="make"; }.',
    );
  }
  checkNeeds(nodes.all, idsOfLaterNodes(said), sink);
  checkSize(nodes.all, sink);
  const checker = new ExpressionChecker(on, lines, sink);
  checker.check(open, {});
  checkNodes(nodes.all, checker);
  if (name === undefined || named === undefined) return undefined;
  const { jobs, waits, branches, gates } = nodes;
  return {
    file,
    name,
    nameSpan: named.value.span,
    on,
    env,
    jobs,
    ...(waits.length === 0 ? {} : { waits }),
    ...(branches.length === 0 ? {} : { branches }),
    ...(gates.length === 0 ? {} : { gates }),
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(concurrency === undefined ? {} : { concurrency }),
  };
}

function checkNodes(nodes: readonly NodeInGraph[], checker: ExpressionChecker): void {
  // Of two with one id, which was told, the first is meant.
  const byId = new Map([...nodes].reverse().map((node) => [node.id, node]));
  const upstreamOf = upstreamIn(nodes);
  for (const node of nodes) {
    let upstream: Set<string> | undefined;
    const place: ConditionPlace = {
      node,
      byId,
      needs: new Set(needsOf(node).map(({ text }) => text)),
      upstream: () => {
        upstream ??= upstreamOf(node);
        return upstream;
      },
    };
    const axes = node.matrix?.axes ?? [];
    checker.check(node.open, { ...(node.what === 'job' || node.matrix !== undefined ? { axes } : {}), place });
  }
}

/** A job may need a node that cannot run yet: the file is refused for the node, not for the need. */
function idsOfLaterNodes(said: SaidWords): Set<string> {
  const ids = new Set<string>();
  for (const { node } of said.all('deploy')) {
    const written =
      node.properties.find((property) => property.name === 'id')?.value ??
      node.children?.find((child) => child.name === 'id')?.arguments[0] ??
      node.arguments[0];
    ids.add(String(written?.value ?? ''));
  }
  return ids;
}
