import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from './decide.js';
import { evolve, evolveAll, replay } from './evolve.js';
import { graphOf } from './graph.js';
import type { Command, FlowEvent, RunFlow } from './messages.js';
import { isRefusal } from './messages.js';
import { maxAttemptsOf } from './retries.js';
import type { PlaceSpec } from './spec.js';
import { canMove, isTerminal } from './states.js';
import { drain, Flow, job, spec } from './testing/flows.js';

const results = ['succeeded', 'failed', 'timed_out', 'cancelled'] as const;
const kinds = ['claim', 'start', 'finish', 'lose', 'refuse', 'cancel', 'plan'] as const;

const place: fc.Arbitrary<PlaceSpec> = fc.record(
  {
    hosts: fc.uniqueArray(fc.constantFrom('alder', 'birch', 'cedar', 'elm'), { minLength: 1 }),
    otherwise: fc.constant('any' as const),
    on: fc.constantFrom('infra' as const, 'any' as const),
  },
  { requiredKeys: ['hosts', 'on'] },
);

/** What a job may say of where it goes. Most say nothing. */
const placement = fc.record({ place, exclusive: fc.constant(true as const) }, { requiredKeys: [] });

/** A graph without circles: each job may need any of those before it. Written down in a shuffled order. */
const graph = fc
  .array(fc.tuple(fc.array(fc.nat(6), { maxLength: 4 }), placement), { minLength: 1, maxLength: 7 })
  .chain((needs) => {
    const jobs = needs.map(([numbers, placed], index) =>
      job(
        `n${index}`,
        [...new Set(numbers)].filter((number) => number < index).map((number) => `n${number}`),
        placed,
      ),
    );
    return fc.shuffledSubarray(jobs, { minLength: jobs.length, maxLength: jobs.length });
  })
  .map((jobs) => spec(...jobs));

/** One thing that somebody says, sensible or not: a command of any kind for the attempt at some place of the list. */
const saying = fc.record({
  kind: fc.constantFrom(...kinds),
  which: fc.nat(30),
  result: fc.constantFrom(...results),
  retryable: fc.boolean(),
  host: fc.constantFrom('alder', 'birch'),
  request: fc.nat(2),
  waitMs: fc.constantFrom(0, 500, 6_000),
});
type Saying = typeof saying extends fc.Arbitrary<infer T> ? T : never;

function commandOf(flow: Flow, said: Saying): Command {
  const attemptIds = [...Object.keys(flow.state.attempts), 'r1/nobody/1'];
  const attemptId = attemptIds[said.which % attemptIds.length] ?? '';
  switch (said.kind) {
    case 'claim':
      return {
        ...{ kind: 'claim', attemptId, hostId: said.host },
        ...{ workerId: `w${said.request}`, requestId: `q${said.request}` },
      };
    case 'finish':
      return { kind: 'finish', attemptId, result: { state: said.result } };
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
  for (const node of Object.values(after.nodes)) {
    const old = before.nodes[node.id];
    expect(reach(old?.state ?? 'waiting', node.state, (a, b) => canMove('node', a, b), nodeStates)).toBe(true);
  }
  for (const [id, attempt] of Object.entries(before.attempts)) {
    if (isTerminal(attempt.state)) {
      expect(after.attempts[id]).toEqual(attempt);
    }
  }
  for (const [id, node] of Object.entries(before.nodes)) {
    if (isTerminal(node.state)) {
      expect(after.nodes[id]).toEqual(node);
    }
  }
  if (isTerminal(before.state)) {
    expect(after).toEqual(before);
  }
}

function requireNeeds(run: RunFlow): void {
  for (const node of run.spec.nodes) {
    const state = run.nodes[node.id]?.state;
    if (state === 'waiting' || state === 'skipped' || state === 'cancelled') {
      continue;
    }
    for (const need of node.needs) {
      expect(run.nodes[need]?.state, `${node.id} is ${state}`).toBe('succeeded');
    }
  }
  for (const node of Object.values(run.nodes)) {
    const live = node.attemptIds.filter((id) => !isTerminal(run.attempts[id]?.state ?? 'queued'));
    expect(live.length).toBe(node.state === 'ready' || node.state === 'running' ? 1 : 0);
    const spec = graphOf(run.spec).job(node.id);
    expect(node.attemptIds.length).toBeLessThanOrEqual(maxAttemptsOf(spec));
    const attempts = node.attemptIds.map((id) => run.attempts[id]).filter((one) => one !== undefined);
    const earlier = attempts.slice(0, -1);
    // What is exclusive may have run once, unless it was seen to end; a failure alone goes to another host.
    if (spec?.exclusive === true) {
      expect(earlier.filter((attempt) => attempt.state === 'lost' && attempt.startedAt !== undefined)).toEqual([]);
    }
    const failed = earlier.filter((attempt) => attempt.state === 'failed' || attempt.state === 'timed_out');
    expect(failed.length === 0 || spec?.place?.on === 'any').toBe(true);
    for (const [index, attempt] of attempts.entries()) {
      expect(attempt.avoidHosts).toEqual([...new Set(attempts.slice(0, index).map((one) => one.hostId))]);
    }
  }
  expect(run.openNodes).toBe(Object.values(run.nodes).filter((node) => !isTerminal(node.state)).length);
  expect(isTerminal(run.state)).toBe(run.openNodes === 0);
}

/** How the whole run must read once it has ended. */
function requireVerdict(run: RunFlow): void {
  const states = Object.values(run.nodes).map((node) => node.state);
  if (run.cancelRequested !== undefined) {
    expect(run.state).toBe('cancelled');
  } else if (states.includes('failed') || states.includes('timed_out')) {
    expect(run.state).toBe('failed');
  } else {
    expect(run.state).toBe(states.includes('cancelled') ? 'cancelled' : 'succeeded');
  }
  expect(run.state === 'succeeded').toBe(run.cause === undefined);
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
      }),
      { numRuns: 400 },
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
