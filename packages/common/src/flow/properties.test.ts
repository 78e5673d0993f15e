import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from './decide.js';
import { evolve, evolveAll, replay } from './evolve.js';
import { graphOf, groupOf } from './graph.js';
import type { Command, FlowEvent, NodeFlow, RunFlow } from './messages.js';
import { isRefusal } from './messages.js';
import { attemptOf, attemptsOf, nodeOf, nodesOf } from './node-table.js';
import { maxAttemptsOf } from './retries.js';
import type { NodeSpec, PlaceSpec, RetrySpec, RunSpec } from './spec.js';
import { canMove, isTerminal } from './states.js';
import { tallyOf } from './tally.js';
import { drain, Flow, job, spec, wait } from './testing/flows.js';
import { timersOf, timersOfNode } from './timers.js';
import { waitingFor } from './waiting.js';

const results = ['succeeded', 'failed', 'timed_out', 'cancelled'] as const;
// The ordinary way of an attempt is said more often, so that runs get somewhere.
const ordinary = ['claim', 'start', 'finish', 'fire'] as const;
const kinds = [...ordinary, ...ordinary, ...ordinary, 'lose', 'refuse', 'cancel', 'plan'] as const;

const place: fc.Arbitrary<PlaceSpec> = fc.record(
  {
    hosts: fc.uniqueArray(fc.constantFrom('alder', 'birch', 'cedar', 'elm'), { minLength: 1 }),
    otherwise: fc.constant('any' as const),
    on: fc.constantFrom('infra' as const, 'any' as const),
  },
  { requiredKeys: ['hosts', 'on'] },
);

const someMs = fc.constantFrom(1, 700, 5_000, 60_000);

const retry: fc.Arbitrary<RetrySpec> = fc.record(
  {
    times: fc.integer({ min: 1, max: 3 }),
    on: fc.subarray(['infra', 'timeout', 'failed', 'exit:3'], { minLength: 1 }),
    backoff: fc.constantFrom({ minMs: 0, maxMs: 5_000 }, { minMs: 500, maxMs: 500 }),
  },
  { requiredKeys: ['times', 'on'] },
);

/** What a job may say beside what it needs. Most say little. */
const modifiers = fc.record(
  {
    place,
    retry,
    exclusive: fc.constant(true as const),
    allowFailure: fc.constant(true as const),
    deadlineMs: someMs,
    queueMs: someMs,
    matrix: fc.constantFrom({ group: 'm', cell: {} }, { group: 'constructor', cell: {} }),
  },
  { requiredKeys: [] },
);

const groups = fc.record(
  { maxParallel: fc.constantFrom(1, 2), onFailure: fc.constantFrom('continue' as const, 'cancel' as const) },
  { requiredKeys: ['onFailure'] },
);

/**
 * A graph without circles: each node may need any of those before it, one way or another. Written down in a shuffled
 * order.
 */
const graph: fc.Arbitrary<RunSpec> = fc
  .tuple(
    fc.array(
      fc.tuple(
        fc.array(fc.tuple(fc.nat(6), fc.constantFrom(undefined, undefined, 'always' as const, 'failed' as const)), {
          maxLength: 4,
        }),
        modifiers,
        fc.nat(5),
      ),
      { minLength: 1, maxLength: 7 },
    ),
    groups,
    groups,
  )
  .chain(([given, m, other]) => {
    const nodes = given.map(([asked, said, kind], index): NodeSpec => {
      const needed = new Map(asked.filter(([number]) => number < index).map(([number, on]) => [`n${number}`, on]));
      const needsOn = Object.fromEntries([...needed].flatMap(([id, on]) => (on === undefined ? [] : [[id, on]])));
      const common = { ...(Object.keys(needsOn).length > 0 && { needsOn }) };
      const { allowFailure, deadlineMs } = said;
      return kind === 0
        ? wait(`n${index}`, [...needed.keys()], {
            ...common,
            ...(allowFailure && { allowFailure }),
            ...(deadlineMs !== undefined && { deadlineMs }),
            forMs: 5_000,
          })
        : job(`n${index}`, [...needed.keys()], { ...common, ...said });
    });
    return fc
      .shuffledSubarray(nodes, { minLength: nodes.length, maxLength: nodes.length })
      .map((shuffled): RunSpec => ({ ...spec(...shuffled), groups: { m, constructor: other } }));
  });

/** One thing that somebody says, sensible or not: a command of any kind for the attempt at some place of the list. */
const saying = fc.record({
  kind: fc.constantFrom(...kinds),
  which: fc.nat(30),
  result: fc.constantFrom(...results),
  exits: fc.boolean(),
  final: fc.constantFrom(false, false, false, true),
  retryable: fc.boolean(),
  host: fc.constantFrom('alder', 'birch'),
  request: fc.nat(2),
  waitMs: fc.constantFrom(0, 500, 6_000, 61_000),
});
type Saying = typeof saying extends fc.Arbitrary<infer T> ? T : never;

function commandOf(flow: Flow, said: Saying): Command {
  const attemptIds = [...attemptsOf(flow.state).map(({ id }) => id), 'r1/nobody/1'];
  const attemptId = attemptIds[said.which % attemptIds.length] ?? '';
  switch (said.kind) {
    case 'claim':
      return {
        ...{ kind: 'claim', attemptId, hostId: said.host },
        ...{ workerId: `w${said.request}`, requestId: `q${said.request}` },
      };
    case 'finish':
      return {
        kind: 'finish',
        attemptId,
        result: {
          state: said.result,
          ...(said.exits && { cause: { kind: 'exit', step: 0, stepName: 'Test', exitCode: 3 } }),
          ...(said.final && { final: true }),
          outputs: { version: attemptId },
        },
      };
    case 'lose':
      return { kind: 'lose', attemptId, detail: 'gone' };
    case 'refuse':
      return { kind: 'refuse', attemptId, detail: 'no', retryable: said.retryable };
    case 'cancel':
      return { kind: 'cancel', by: 'mara' };
    case 'plan':
      return { kind: 'plan', runId: 'r1', spec: flow.state.spec };
    case 'start':
      return { kind: 'start', attemptId };
    case 'fire': {
      // Most of them have been overtaken.
      const keys = [...flow.keys, 'nonsense', 'wait:r1/nobody', 'queue:r1/n0/99', 'deadline:'];
      return { kind: 'fire', key: keys[said.which % keys.length] ?? '' };
    }
  }
}

/** Most sayings are made about what is live, so that runs get somewhere. */
function play(flow: Flow, sayings: readonly Saying[], check: (before: RunFlow, after: RunFlow) => void): void {
  for (const said of sayings) {
    flow.now += said.waitMs;
    const before = flow.state;
    flow.try(commandOf(flow, said));
    check(before, flow.state);
  }
}

const sayings = fc.array(saying, { maxLength: 120 });

/** Every state that the two runs share moved by the tables, or did not move. */
function requireLegal(before: RunFlow, after: RunFlow): void {
  // A command may take several moves; each alone is checked by evolve, the way from state to state here.
  const reach = <S extends string>(from: S, to: S, can: (a: S, b: S) => boolean, all: readonly S[]): boolean =>
    from === to || all.some((middle) => can(from, middle) && (middle === to || can(middle, to)));
  const nodeStates = [
    'waiting',
    'ready',
    'running',
    'succeeded',
    'failed',
    'timed_out',
    'cancelled',
    'skipped',
  ] as const;
  for (const node of nodesOf(after)) {
    const old = nodeOf(before, node.id);
    expect(reach(old?.state ?? 'waiting', node.state, (a, b) => canMove('node', a, b), nodeStates)).toBe(true);
    if (old !== undefined && isTerminal(old.state)) {
      // What still counts down in it is how many of the nodes that it needs have not ended.
      expect({ ...node, openNeeds: 0 }).toEqual({ ...old, openNeeds: 0 });
    }
  }
  for (const attempt of attemptsOf(before).filter(({ state }) => isTerminal(state))) {
    expect(attemptOf(after, attempt.id)).toEqual(attempt);
  }
  if (isTerminal(before.state)) {
    expect(after).toEqual(before);
  }
}

const hasFailed = (node: NodeFlow | undefined): boolean => node?.state === 'failed' || node?.state === 'timed_out';

/** Does this need let the node go on? Said once more, in other words than join.ts. */
function allows(run: RunFlow, node: NodeSpec, need: string): boolean {
  const found = nodeOf(run, need);
  const on = node.needsOn?.[need];
  if (found === undefined || !isTerminal(found.state) || on === 'always') {
    return found !== undefined && isTerminal(found.state);
  }
  if (on === 'failed') {
    const group = graphOf(run.spec).job(need)?.matrix?.group;
    const mates = node.needs.filter(
      (other) =>
        node.needsOn?.[other] === 'failed' &&
        group !== undefined &&
        graphOf(run.spec).job(other)?.matrix?.group === group,
    );
    return [need, ...mates].some((other) => hasFailed(nodeOf(run, other)));
  }
  const own = found.state === 'skipped' && found.cause?.kind === 'condition';
  return found.state === 'succeeded' || found.tolerated === true || own;
}

function requireNeeds(run: RunFlow): void {
  for (const spec of run.spec.nodes) {
    const node = nodeOf(run, spec.id);
    if (node === undefined || node.state === 'skipped' || node.state === 'cancelled') {
      continue;
    }
    const mayGo = spec.needs.every((need) => allows(run, spec, need));
    if (node.state !== 'waiting') {
      expect(mayGo, `${node.id} is ${node.state}`).toBe(true);
    } else if (spec.needs.every((need) => isTerminal(nodeOf(run, need)?.state ?? 'waiting'))) {
      // All has ended and it still waits: only for its place in a matrix.
      const group = groupOf(run.spec, node.id);
      expect(mayGo).toBe(true);
      expect(activeIn(run, group?.name)).toBe(group?.rules.maxParallel);
    }
  }
  for (const [name, { maxParallel = 99 }] of Object.entries(run.spec.groups ?? {})) {
    expect(activeIn(run, name)).toBeLessThanOrEqual(maxParallel);
  }
  for (const node of nodesOf(run)) {
    requireAttempts(run, node);
    requireWaiter(run, node);
  }
  const { nodes: _nodes, broken, ...tally } = tallyOf(run.spec, nodesOf(run));
  expect(run).toMatchObject(tally);
  expect(run.broken.toSorted()).toEqual(broken.toSorted());
  expect(isTerminal(run.state)).toBe(run.openNodes === 0);
}

function activeIn(run: RunFlow, group: string | undefined): number {
  return nodesOf(run).filter(
    ({ id, state }) => graphOf(run.spec).job(id)?.matrix?.group === group && (state === 'ready' || state === 'running'),
  ).length;
}

function requireAttempts(run: RunFlow, node: NodeFlow): void {
  const spec = graphOf(run.spec).job(node.id);
  const { attempts } = node;
  const live = attempts.filter(({ state }) => !isTerminal(state));
  expect(live.length).toBe(spec !== undefined && (node.state === 'ready' || node.state === 'running') ? 1 : 0);
  const infra = attempts.filter(({ state }) => state === 'lost' || state === 'refused');
  expect(infra.length).toBeLessThanOrEqual(maxAttemptsOf(spec));
  const earlier = attempts.slice(0, -1);
  // What is exclusive may have run once, unless it was seen to end, or its workflow says otherwise.
  if (spec?.exclusive === true && spec.retry?.on.includes('infra') !== true) {
    expect(earlier.filter((attempt) => attempt.state === 'lost' && attempt.startedAt !== undefined)).toEqual([]);
  }
  const failed = earlier.filter((attempt) => attempt.state === 'failed' || attempt.state === 'timed_out');
  const elsewhere = spec?.place?.on === 'any' ? spec.place.hosts.length + 1 : 0;
  expect(failed.length).toBeLessThanOrEqual((spec?.retry?.times ?? 0) + elsewhere);
  for (const [index, attempt] of attempts.entries()) {
    expect(attempt.avoidHosts).toEqual([...new Set(attempts.slice(0, index).map((one) => one.hostId))]);
    const from = attempts[0]?.queuedAt ?? 0;
    expect(attempt.queuedAt).toBeLessThan(from + (spec?.deadlineMs ?? Number.POSITIVE_INFINITY));
    // A word of the steps alone is tried again for the reasons that were given.
    const on = spec?.retry?.on ?? [];
    if (failed.includes(attempt) && elsewhere === 0) {
      const asked = attempt.state === 'timed_out' ? 'timeout' : 'failed';
      expect(on.includes(asked) || (attempt.cause?.kind === 'exit' && on.includes('exit:3'))).toBe(true);
    }
  }
  if (hasFailed(node)) {
    expect(node.tolerated === true).toBe(graphOf(run.spec).spec(node.id)?.allowFailure === true);
  }
}

/** Whatever has not ended is held by somebody who will go on with it: a host, a timer, the queue, or another node. */
function requireWaiter(run: RunFlow, node: NodeFlow): void {
  const timers = timersOfNode(run, node.id);
  expect(waitingFor(run, node.id) === undefined).toBe(isTerminal(node.state));
  if (isTerminal(node.state)) {
    expect(timers).toEqual([]);
    return;
  }
  const attempt = node.attempts.at(-1);
  if (attempt === undefined) {
    const isWait = graphOf(run.spec).spec(node.id)?.kind === 'wait';
    expect(node.state === 'waiting' || (isWait && timers.some(({ kind }) => kind === 'wait'))).toBe(true);
  } else if (attempt.state === 'queued') {
    const announced = attempt.notBefore <= attempt.queuedAt || attempt.due === true;
    expect(timers.some(({ kind }) => kind === 'backoff')).toBe(!announced);
  } else {
    // What a host has has no timer here: nothing overtakes its result.
    expect(attempt.hostId).toBeDefined();
    expect(timers).toEqual([]);
  }
}

/** How the whole run must read once it has ended. */
function requireVerdict(run: RunFlow): void {
  const states = nodesOf(run).map((node) => (node.tolerated === true ? 'succeeded' : node.state));
  if (run.cancelRequested !== undefined) {
    expect(run.state).toBe('cancelled');
  } else if (states.includes('failed') || states.includes('timed_out')) {
    expect(run.state).toBe('failed');
  } else {
    expect(run.state).toBe(states.includes('cancelled') ? 'cancelled' : 'succeeded');
  }
  expect(run.state === 'succeeded').toBe(run.cause === undefined);
  expect(timersOf(run)).toEqual([]);
}

describe('whatever is said, in whatever order, doubled or not', () => {
  it('moves are legal, terminal states stay, needs are kept, and every run ends', () => {
    fc.assert(
      fc.property(graph, sayings, (runSpec, said) => {
        const flow = new Flow(runSpec);
        play(flow, said, (before, after) => {
          requireLegal(before, after);
          requireNeeds(after);
        });
        drain(flow);
        requireNeeds(flow.state);
        requireVerdict(flow.state);
        for (const key of flow.keys) {
          flow.now += 1_000_000;
          expect(flow.do({ kind: 'fire', key })).toEqual([]);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('saying it twice is saying it once', () => {
    fc.assert(
      fc.property(graph, sayings, (runSpec, said) => {
        const flow = new Flow(runSpec);
        for (const one of said) {
          flow.now += one.waitMs;
          const command = commandOf(flow, one);
          flow.try(command);
          const once = flow.state;
          const twice = decide(flow.run, command, flow.now);
          expect(isRefusal(twice) || twice.length === 0).toBe(true);
          expect(flow.state).toBe(once);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('the events alone tell the run, from every point on, one by one or all at once', () => {
    fc.assert(
      fc.property(graph, sayings, fc.nat(), (runSpec, said, cut) => {
        const flow = new Flow(runSpec);
        play(flow, said, () => undefined);
        drain(flow);
        const { log } = flow;
        expect(replay(log)).toEqual(flow.state);
        let run: RunFlow | undefined;
        for (const event of log) {
          run = evolve(run, event);
        }
        expect(run).toEqual(flow.state);
        const at = 1 + (cut % log.length);
        const stored = JSON.parse(JSON.stringify(log.slice(0, at))) as FlowEvent[];
        expect(evolveAll(replay(stored), log.slice(at).length > 0 ? log.slice(at) : [])).toEqual(flow.state);
      }),
      { numRuns: 200 },
    );
  });

  it('nothing that was given is changed in place', () => {
    const freeze = <T>(value: T): T => {
      if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
        Object.freeze(value);
        Object.values(value).forEach(freeze);
      }
      return value;
    };
    fc.assert(
      fc.property(graph, sayings, (runSpec, said) => {
        const flow = new Flow(freeze(runSpec));
        for (const one of said) {
          freeze(flow.state);
          flow.try(freeze(commandOf(flow, one)));
        }
        drain(flow);
      }),
      { numRuns: 100 },
    );
  });

  it('an event that does not follow is refused, wherever it is put', () => {
    fc.assert(
      fc.property(graph, sayings, fc.nat(), fc.nat(), (runSpec, said, from, to) => {
        const flow = new Flow(runSpec);
        play(flow, said, () => undefined);
        drain(flow);
        const moved = [...flow.log];
        const [event] = moved.splice(from % moved.length, 1);
        if (event === undefined || from % flow.log.length === to % flow.log.length) {
          return;
        }
        moved.splice(to % flow.log.length, 0, event);
        expect(() => replay(moved)).toThrow();
      }),
      { numRuns: 100 },
    );
  });
});

describe('a large graph', () => {
  it('of a thousand jobs is planned, run and replayed', () => {
    const jobs = Array.from({ length: 1_000 }, (_, index) =>
      job(`n${index}`, index < 10 ? [] : [`n${index - 10}`, `n${index - 1 - (index % 10)}`]),
    );
    const flow = new Flow(spec(...jobs));
    const ready: string[] = [...flow.log]
      .filter((event) => event.kind === 'attempt.queued')
      .map((event) => event.nodeId);
    for (let id = ready.shift(); id !== undefined; id = ready.shift()) {
      for (const event of flow.succeed(id)) {
        if (event.kind === 'attempt.queued') {
          ready.push(event.nodeId);
        }
      }
    }
    expect(flow.state.state).toBe('succeeded');
    expect(replay(flow.log)).toEqual(flow.state);
  });
});
