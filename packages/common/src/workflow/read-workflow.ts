import { identityOf, type LocatedNode, type SaidWords, type SpanMaker } from '../kdl/index.js';
import type { WorkflowSink } from './diagnostic-codes.js';
import { workflowLimits } from './limits.js';
import { checkNeeds, type NodeInGraph } from './needs-graph.js';
import { ExpressionChecker, noteOpen, type OpenText } from './open-texts.js';
import { readEnv } from './read-env.js';
import { type ReadJob, readJob, readTemplates, type Templates } from './read-job.js';
import { checkedName } from './read-names.js';
import { readTriggers } from './read-triggers.js';
import { type ReadWait, readWait } from './read-wait.js';
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
  const on = readTriggers(node, said, sink);
  const open: OpenText[] = [];
  const env = readEnv(said.all('env'), (text) => noteOpen(text, open), sink);
  const templates = readTemplates(said, lines, sink);
  const nodes = readNodes(node, said, templates, lines, sink);
  checkNeeds(nodes.all, idsOfLaterNodes(said), sink);
  checkSize(nodes.all, sink);
  const checker = new ExpressionChecker(on, lines, sink);
  checker.check(open, undefined);
  for (const { job, open: texts } of nodes.jobs) checker.check(texts, job.matrix?.axes ?? []);
  for (const { open: texts } of nodes.waits) checker.check(texts, undefined);
  if (name === undefined || named === undefined) return undefined;
  const waits = nodes.waits.map(({ wait }) => wait);
  return {
    file,
    name,
    nameSpan: named.value.span,
    on,
    env,
    jobs: nodes.jobs.map(({ job }) => job),
    ...(waits.length === 0 ? {} : { waits }),
  };
}

interface ReadNodes {
  jobs: ReadJob[];
  waits: ReadWait[];
  all: NodeInGraph[];
}

function readNodes(
  node: LocatedNode,
  said: SaidWords,
  templates: Templates,
  lines: SpanMaker,
  sink: WorkflowSink,
): ReadNodes {
  const written = said.said.filter(({ word }) => word.name === 'job' || word.name === 'wait');
  const tooMany = written[workflowLimits.jobs];
  if (tooMany !== undefined) {
    sink.error(
      tooMany.node.headSpan,
      'too-many-jobs',
      `a workflow may have ${workflowLimits.jobs} jobs, and this is one more`,
      'Split it into several workflows.',
    );
  }
  const jobs: ReadJob[] = [];
  const waits: ReadWait[] = [];
  for (const one of written.slice(0, workflowLimits.jobs)) {
    if (one.word.name === 'job') jobs.push(...[readJob(one.node, templates, lines, sink) ?? []].flat());
    else waits.push(...[readWait(one.node, sink) ?? []].flat());
  }
  if (said.all('job').length === 0 && idsOfLaterNodes(said).size === 0 && !said.hasUnknown) {
    sink.error(
      node.headSpan,
      'missing-jobs',
      'this workflow has no jobs',
      'Give it one: job id="build" { step run="make"; }.',
    );
  }
  const all: NodeInGraph[] = [
    ...jobs.map(({ job, idText, needs }) => ({ what: 'job' as const, job, id: job.id, idText, needs })),
    ...waits.map(({ wait, idText, needs }) => ({
      what: 'wait' as const,
      id: wait.id,
      idText,
      needs: { template: [], own: needs },
    })),
  ];
  return { jobs, waits, all };
}

/** A job may need a node that cannot run yet: the file is refused for the node, not for the need. */
function idsOfLaterNodes(said: SaidWords): Set<string> {
  const ids = new Set<string>();
  for (const name of ['branch', 'gate', 'deploy']) {
    for (const { node } of said.all(name)) {
      const written =
        node.properties.find((property) => property.name === 'id')?.value ??
        node.children?.find((child) => child.name === 'id')?.arguments[0] ??
        node.arguments[0];
      ids.add(String(written?.value ?? ''));
    }
  }
  return ids;
}
