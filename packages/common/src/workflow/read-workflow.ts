import { identityOf, type LocatedNode, type SaidWords, type SpanMaker } from '../kdl/index.js';
import type { WorkflowSink } from './diagnostic-codes.js';
import { workflowLimits } from './limits.js';
import { checkNeeds } from './needs-graph.js';
import { readEnv } from './read-env.js';
import { readJob } from './read-job.js';
import { checkedName } from './read-names.js';
import { readTriggers } from './read-triggers.js';
import { readWords, reportUnknown } from './read-words.js';
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
  const env = readEnv(said.all('env'), lines, sink);
  const jobNodes = said.all('job');
  const tooMany = jobNodes[workflowLimits.jobs];
  if (tooMany !== undefined) {
    sink.error(
      tooMany.node.headSpan,
      'too-many-jobs',
      `a workflow may have ${workflowLimits.jobs} jobs, and this is one more`,
      'Split it into several workflows.',
    );
  }
  const jobs = jobNodes.slice(0, workflowLimits.jobs).flatMap((one) => readJob(one.node, lines, sink) ?? []);
  const laterIds = idsOfLaterNodes(said);
  if (jobNodes.length === 0 && laterIds.size === 0 && !said.hasUnknown) {
    sink.error(
      node.headSpan,
      'missing-jobs',
      'this workflow has no jobs',
      'Give it one: job id="build" { step run="make"; }.',
    );
  }
  checkNeeds(jobs, laterIds, sink);
  if (name === undefined || named === undefined) return undefined;
  return { file, name, nameSpan: named.value.span, on, env, jobs: jobs.map((one) => one.job) };
}

/** A job may need a node that cannot run yet: the file is refused for the node, not for the need. */
function idsOfLaterNodes(said: SaidWords): Set<string> {
  const ids = new Set<string>();
  for (const name of ['branch', 'wait', 'gate', 'deploy']) {
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
