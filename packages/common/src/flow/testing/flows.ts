import { SolsticeError } from '../../errors/index.js';
import { decide } from '../decide.js';
import { evolveAll } from '../evolve.js';
import { standingOf } from '../gate-standing.js';
import { graphOf } from '../graph.js';
import {
  type AttemptView,
  type Command,
  type FlowEvent,
  type GateVerdict,
  isRefusal,
  type NodeFlow,
  type RunFlow,
} from '../messages.js';
import { attemptOf, attemptsOf, nodeOf, nodesOf } from '../node-table.js';
import type { BranchSpec, GateSpec, JobSpec, NodeSpec, RunSpec, WaitSpec } from '../spec.js';
import { timersAmong, timersOf } from '../timers.js';

/** A job of one step, for tests. */
export function job(id: string, needs: string[] = [], more: Partial<JobSpec> = {}): JobSpec {
  return {
    kind: 'job',
    id,
    name: id,
    runsOn: 'default',
    env: {},
    needs,
    steps: [{ name: 'Test', env: {}, action: { kind: 'run', script: 'true' } }],
    ...more,
  };
}

export function wait(id: string, needs: string[] = [], more: Partial<WaitSpec> = {}): WaitSpec {
  return { kind: 'wait', id, name: id, needs, forMs: 60_000, ...more };
}

/** A gate that anyone may open, for tests. */
export function gate(id: string, needs: string[] = [], more: Partial<GateSpec> = {}): GateSpec {
  return { kind: 'gate', id, name: id, needs, approvers: [], count: 1, inputs: [], ...more };
}

/** What stands in it says so with `branch: { id, side }`, and needs it. */
export function branch(id: string, when: string, needs: string[] = [], more: Partial<BranchSpec> = {}): BranchSpec {
  return { kind: 'branch', id, name: id, needs, when, ...more };
}

export function spec(...nodes: NodeSpec[]): RunSpec {
  return { version: 1, workflow: { name: 'ci', file: '.solstice/ci.kdl' }, nodes };
}

/** A run under test: takes commands, keeps its log, and its clock moves a second with each. */
export class Flow {
  run: RunFlow | undefined;
  readonly log: FlowEvent[] = [];
  /** Every timer that there ever was. */
  readonly keys = new Set<string>();
  now = 1_000_000;

  constructor(runSpec?: RunSpec) {
    if (runSpec !== undefined) {
      this.do({ kind: 'plan', runId: 'r1', spec: runSpec });
    }
  }

  get state(): RunFlow {
    if (this.run === undefined) {
      throw new SolsticeError('internal', 'the run was not planned');
    }
    return this.run;
  }

  try(command: Command): FlowEvent[] | ReturnType<typeof decide> {
    this.now += 1_000;
    const outcome = decide(this.run, command, this.now);
    if (!isRefusal(outcome) && outcome.length > 0) {
      this.run = evolveAll(this.run, outcome);
      this.log.push(...outcome);
      const nodeIds = outcome.flatMap((event) => ('nodeId' in event ? [event.nodeId] : []));
      for (const { key } of timersAmong(this.run, nodeIds)) {
        this.keys.add(key);
      }
    }
    return outcome;
  }

  /** Throws when it is refused. */
  do(command: Command): FlowEvent[] {
    const outcome = this.try(command);
    if (isRefusal(outcome)) {
      throw new Error(`refused: ${outcome.reason} (${outcome.state})`);
    }
    return outcome;
  }

  claim(attemptId: string, hostId = 'alder'): FlowEvent[] {
    return this.do({ kind: 'claim', attemptId, hostId, workerId: `w-${attemptId}`, requestId: `q-${attemptId}` });
  }

  /** Claims and starts the last attempt of a node, and gives its id. */
  start(nodeId: string): string {
    const attemptId = this.last(nodeId).id;
    this.now = Math.max(this.now, this.last(nodeId).notBefore);
    this.claim(attemptId);
    this.do({ kind: 'start', attemptId });
    return attemptId;
  }

  succeed(nodeId: string): FlowEvent[] {
    return this.do({ kind: 'finish', attemptId: this.start(nodeId), result: { state: 'succeeded' } });
  }

  fail(nodeId: string): FlowEvent[] {
    const cause = { kind: 'exit', step: 0, stepName: 'Test', exitCode: 3 } as const;
    return this.do({ kind: 'finish', attemptId: this.start(nodeId), result: { state: 'failed', cause } });
  }

  /** Somebody says something to a gate, as a request of its own unless told otherwise. */
  say(
    verdict: 'approve' | 'reject',
    nodeId: string,
    by: string,
    more: Partial<GateVerdict & { requestId: string }> = {},
  ): ReturnType<typeof decide> {
    const said = { kind: 'decide' as const, requestId: `d${this.now}`, nodeId, verdict, by, teams: [], inputs: {} };
    return this.try({ ...said, ...more });
  }

  node(nodeId: string): NodeFlow {
    const node = nodeOf(this.state, nodeId);
    if (node === undefined) {
      throw new Error(`there is no node ${nodeId}`);
    }
    return node;
  }

  attempt(attemptId: string): AttemptView {
    const attempt = attemptOf(this.state, attemptId);
    if (attempt === undefined) {
      throw new Error(`there is no attempt ${attemptId}`);
    }
    return attempt;
  }

  last(nodeId: string): AttemptView {
    const attempt = this.node(nodeId).attempts.at(-1);
    if (attempt === undefined) {
      throw new Error(`${nodeId} has no attempt`);
    }
    return attempt;
  }

  /** `{build: 'succeeded', …}` */
  nodeStates(): Record<string, string> {
    return Object.fromEntries(nodesOf(this.state).map((node) => [node.id, node.state]));
  }

  attemptStates(): string[] {
    return attemptsOf(this.state).map((attempt) => attempt.state);
  }
}

/** Everybody who may says yes, until it is enough; else somebody says no, and else it waits for its time. */
function answer(flow: Flow, spec: GateSpec): boolean {
  const users = spec.approvers.filter((one) => one.startsWith('user:')).map((one) => one.slice('user:'.length));
  const teams = spec.approvers.filter((one) => one.startsWith('team:')).map((one) => one.slice('team:'.length));
  const people = [...users, ...Array.from({ length: spec.count }, (_, index) => `person-${index}`)];
  const inputs = Object.fromEntries(
    spec.inputs.flatMap((input): [string, string][] => {
      if (input.default !== undefined) {
        return [];
      }
      const text =
        input.type === 'int' ? (input.min ?? input.max ?? 0) : input.type === 'bool' ? true : input.options?.[0];
      return [[input.name, String(text ?? 'text')]];
    }),
  );
  for (const verdict of ['approve', 'reject'] as const) {
    for (const by of people) {
      const agreed = standingOf(flow.node(spec.id), spec).approvals.length > 0;
      flow.say(verdict, spec.id, by, { teams, inputs: verdict === 'reject' || agreed ? {} : inputs });
      if (flow.node(spec.id).endedAt !== undefined) {
        return true;
      }
    }
  }
  return false;
}

/**
 * Plays every attempt that can go on, always well, has every gate answered, and lets time pass, until nothing more
 * happens.
 */
export function drain(flow: Flow): void {
  // Three moves each at most (claimed, started, ended), and one for each timer.
  const bound = flow.state.spec.nodes.length * 4 * 20;
  for (let guard = 0; guard <= bound; guard += 1) {
    const live = attemptsOf(flow.state).find((attempt) => attempt.endedAt === undefined);
    const open = graphOf(flow.state.spec).gates.filter(({ id }) => flow.node(id).state === 'running');
    if (open.some((spec) => answer(flow, spec))) {
      continue;
    }
    const timer = timersOf(flow.state).toSorted((a, b) => a.fireAtMs - b.fireAtMs)[0];
    if (live === undefined && timer === undefined) {
      return;
    }
    if (live === undefined || (live.notBefore > flow.now && timer !== undefined)) {
      flow.now = Math.max(flow.now, timer?.fireAtMs ?? 0);
      flow.do({ kind: 'fire', key: timer?.key ?? '' });
    } else if (live.state === 'queued') {
      flow.now = Math.max(flow.now, live.notBefore);
      flow.claim(live.id);
    } else if (live.state === 'claimed' && live.cancelRequested === undefined) {
      flow.do({ kind: 'start', attemptId: live.id });
    } else if (live.state === 'claimed') {
      flow.do({ kind: 'lose', attemptId: live.id, detail: 'its worker was taken away' });
    } else {
      flow.do({ kind: 'finish', attemptId: live.id, result: { state: 'succeeded' } });
    }
  }
  throw new Error('the run does not come to an end');
}
