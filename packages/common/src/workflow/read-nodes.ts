import type { LocatedNode, SaidWords, SpanMaker } from '../kdl/index.js';
import type { WorkflowSink } from './diagnostic-codes.js';
import { workflowLimits } from './limits.js';
import type { NodeInGraph } from './needs-graph.js';
import { readBranch, readJobsBlock } from './read-branch.js';
import { readGate } from './read-gate.js';
import { readJob, type Templates } from './read-job.js';
import { readWait } from './read-wait.js';
import type { Branch, Gate, Job, Placed, Wait } from './workflow.js';

/** All nodes of a workflow, in the order of the file, wherever they stand. */
export interface ReadNodes {
  jobs: Job[];
  waits: Wait[];
  branches: Branch[];
  gates: Gate[];
  all: NodeInGraph[];
  /** A job or a gate was written, be it wrong, that does not only look on. */
  hasWork: boolean;
}

export function readNodes(said: SaidWords, templates: Templates, lines: SpanMaker, sink: WorkflowSink): ReadNodes {
  const reader = new NodesReader(templates, lines, sink);
  reader.read(said, {});
  const afterwards = readJobsBlock(said, 'on_failure', sink);
  if (afterwards !== undefined) reader.read(afterwards, { onFailure: true });
  return reader.found;
}

class NodesReader {
  readonly found: ReadNodes = { jobs: [], waits: [], branches: [], gates: [], all: [], hasWork: false };
  private count = 0;

  constructor(
    private readonly templates: Templates,
    private readonly lines: SpanMaker,
    private readonly sink: WorkflowSink,
  ) {}

  /** `placed`: where all of these stand. */
  read(said: SaidWords, placed: Placed): void {
    for (const { word, node } of said.said) {
      if (!['job', 'wait', 'gate', 'branch'].includes(word.name)) continue;
      this.count += 1;
      this.found.hasWork ||= placed.onFailure !== true && (word.name === 'job' || word.name === 'gate');
      if (this.count === workflowLimits.jobs + 1) this.refuseMore(node);
      if (this.count > workflowLimits.jobs) return;
      if (word.name === 'job') this.job(node, placed);
      else if (word.name === 'wait') this.wait(node, placed);
      else if (word.name === 'gate') this.gate(node, placed);
      else this.branch(node, placed);
    }
  }

  private job(node: LocatedNode, placed: Placed): void {
    const read = readJob(node, this.templates, this.lines, this.sink);
    if (read === undefined) return;
    const job = { ...read.job, ...placed };
    this.found.jobs.push(job);
    const { idText, needs, open } = read;
    this.found.all.push({ what: 'job', id: job.id, idText, needs, open, job, ...matrixIn(job), ...placed });
  }

  private wait(node: LocatedNode, placed: Placed): void {
    const read = readWait(node, this.sink);
    if (read === undefined) return;
    const wait = { ...read.wait, ...placed };
    this.found.waits.push(wait);
    const { idText, needs, open } = read;
    this.found.all.push({ what: 'wait', id: wait.id, idText, needs: own(needs), open, ...matrixIn(wait), ...placed });
  }

  private gate(node: LocatedNode, placed: Placed): void {
    const read = readGate(node, this.sink);
    if (read === undefined) return;
    const gate = { ...read.gate, ...placed };
    this.found.gates.push(gate);
    const { idText, needs, open } = read;
    this.found.all.push({
      what: 'gate',
      id: gate.id,
      idText,
      needs: own(needs),
      open,
      inputs: gate.inputs,
      textLength: JSON.stringify({ ...gate, matrix: undefined }).length,
      ...matrixIn(gate),
      ...placed,
    });
  }

  private branch(node: LocatedNode, placed: Placed): void {
    const { read, sides } = readBranch(node, this.sink);
    if (read !== undefined) {
      const branch = { ...read.branch, ...placed };
      this.found.branches.push(branch);
      const { idText, needs, open } = read;
      this.found.all.push({ what: 'branch', id: branch.id, idText, needs: own(needs), open, ...placed });
    }
    for (const { side, said } of sides) {
      // Of a branch without an id the file is refused; what stands in it is read all the same.
      this.read(said, read === undefined ? placed : { ...placed, branch: { id: read.branch.id, side } });
    }
  }

  private refuseMore(node: LocatedNode): void {
    this.sink.error(
      node.headSpan,
      'too-many-jobs',
      `a workflow may have ${workflowLimits.jobs} jobs, and this is one more`,
      'Split it into several workflows.',
    );
  }
}

function own(needs: NodeInGraph['needs']['own']): NodeInGraph['needs'] {
  return { template: [], own: needs };
}

function matrixIn({ matrix }: Pick<Job, 'matrix'>): Pick<NodeInGraph, 'matrix'> {
  return matrix === undefined ? {} : { matrix };
}
