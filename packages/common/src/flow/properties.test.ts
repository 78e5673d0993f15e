import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from './decide.js';
import { evolve, evolveAll, replay } from './evolve.js';
import type { FlowEvent, RunFlow } from './messages.js';
import { isRefusal } from './messages.js';
import { drain, Flow, job, spec } from './testing/flows.js';
import { requireLegal, requireNeeds, requireVerdict } from './testing/invariants.js';
import { commandOf, graph, play, sayings } from './testing/random-runs.js';

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
