import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkOf, MAX_TITLE_LENGTH } from './check-state.js';
import { decide } from './decide.js';
import { evolveAll, replay } from './evolve.js';
import { withoutExport } from './export.js';
import { samePerson, standingOf } from './gate-standing.js';
import { graphOf } from './graph.js';
import type { FlowEvent, Origin, RunFlow } from './messages.js';
import { isRefusal } from './messages.js';
import { nodeOf, nodesOf } from './node-table.js';
import { planRerun, type Rerun } from './rerun.js';
import { isTerminal } from './states.js';
import { drain, Flow } from './testing/flows.js';
import { requireLegal, requireNeeds, requireVerdict } from './testing/invariants.js';
import { gatedGraph, type PersonSaying, personCommandOf, personSayings } from './testing/random-decisions.js';

function play(
  flow: Flow,
  sayings: readonly PersonSaying[],
  check: (before: RunFlow, after: RunFlow) => void = () => undefined,
): void {
  for (const said of sayings) {
    flow.now += said.other.waitMs;
    const before = flow.state;
    flow.try(personCommandOf(flow, said));
    // Most of what is said changes nothing, and a run that is the same keeps what held of it.
    if (flow.state !== before) {
      check(before, flow.state);
    }
  }
}

/** What must be true of every gate of a run. */
function requireGates(run: RunFlow): void {
  for (const spec of graphOf(run.spec).gates) {
    const node = nodeOf(run, spec.id);
    if (node === undefined || node.reusedFrom !== undefined) {
      continue;
    }
    const decisions = node.decisions ?? [];
    const { approvals, missing, inputs } = standingOf(node, spec);
    expect(node.attempts).toEqual([]);
    expect(new Set(approvals.map(({ by }) => by.toLowerCase())).size).toBe(approvals.length);
    for (const decision of decisions) {
      expect(spec.exclude === 'author' && samePerson(decision.by, 'mara')).toBe(false);
      expect(decision.at).toBeGreaterThanOrEqual(node.readyAt ?? Number.POSITIVE_INFINITY);
      expect(decision.at).toBeLessThanOrEqual(node.endedAt ?? decision.at);
    }
    // Those who approve it approve the same.
    for (const approval of approvals) {
      expect(approval.inputs).toEqual(inputs);
    }
    const rejections = decisions.filter(({ verdict }) => verdict === 'reject');
    expect(rejections.length).toBe(node.cause?.kind === 'rejected' ? 1 : 0);
    if (node.state === 'succeeded') {
      expect(missing === 0 || spec.timeoutThen === 'approve').toBe(true);
      expect(Object.keys(node.outputs ?? {}).toSorted()).toEqual(spec.inputs.map(({ name }) => name).toSorted());
    } else {
      expect(node.state === 'running' && missing === 0).toBe(false);
      expect(node.outputs).toBeUndefined();
    }
  }
}

function requireCheck(run: RunFlow): void {
  const { state, title } = checkOf(run, { pageKey: 'k' });
  expect(title.length).toBeLessThanOrEqual(MAX_TITLE_LENGTH);
  const isOpen = graphOf(run.spec).gates.some(({ id }) => nodeOf(run, id)?.state === 'running');
  expect(state === 'pending').toBe(run.state === 'queued' || (run.state === 'running' && isOpen));
}

const origins: fc.Arbitrary<Origin> = fc.constantFrom<Origin>({}, {}, { held: true }, { supersededBy: 'r9' });

function planned(spec: RunFlow['spec'], origin: Origin, runId = 'r1'): Flow {
  const flow = new Flow();
  flow.do({ kind: 'plan', runId, spec, ...origin });
  return flow;
}

/** However it is held: it is admitted in the end. */
function finish(flow: Flow): void {
  if (flow.state.held === true) {
    flow.do({ kind: 'admit' });
  }
  drain(flow);
}

describe('whatever people say to gates and runs, early, late, twice', () => {
  it('moves are legal, gates keep their rules, and every run ends', () => {
    fc.assert(
      fc.property(gatedGraph, origins, personSayings, (spec, origin, said) => {
        const flow = planned(spec, origin);
        play(flow, said, (before, after) => {
          requireLegal(before, after);
          requireNeeds(after);
          requireGates(after);
          requireCheck(after);
          if (after.held === true) {
            expect(nodesOf(after).every(({ state }) => state === 'waiting')).toBe(true);
          }
          // Once somebody asked to cancel, no decision counts any more.
          if (before.cancelRequested !== undefined) {
            for (const { id, decisions } of nodesOf(after)) {
              expect(decisions).toEqual(nodeOf(before, id)?.decisions);
            }
          }
        });
        finish(flow);
        requireNeeds(flow.state);
        requireGates(flow.state);
        requireVerdict(flow.state);
        expect(isTerminal(flow.state.state)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it('saying it twice is saying it once', () => {
    fc.assert(
      fc.property(gatedGraph, origins, personSayings, (spec, origin, said) => {
        const flow = planned(spec, origin);
        for (const one of said) {
          flow.now += one.other.waitMs;
          const command = personCommandOf(flow, one);
          flow.try(command);
          const twice = decide(flow.run, command, flow.now);
          expect(isRefusal(twice) || twice.length === 0).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('the events alone tell the run, from every point on', () => {
    fc.assert(
      fc.property(gatedGraph, origins, personSayings, fc.nat(), (spec, origin, said, cut) => {
        const flow = planned(spec, origin);
        play(flow, said);
        finish(flow);
        const at = 1 + (cut % flow.log.length);
        const stored = JSON.parse(JSON.stringify(flow.log.slice(0, at))) as FlowEvent[];
        const rest = flow.log.slice(at);
        expect(rest.length > 0 ? evolveAll(replay(stored), rest) : replay(stored)).toEqual(flow.state);
      }),
      { numRuns: 200 },
    );
  });

  it('an export is refused while a host has something, and elsewhere the run goes on where it was', () => {
    fc.assert(
      fc.property(gatedGraph, origins, personSayings, (spec, origin, said) => {
        const flow = planned(spec, origin);
        play(flow, said);
        const before = flow.state;
        const outcome = flow.try({ kind: 'export', by: 'mara' });
        const isBusy = nodesOf(before).some(({ attempts }) =>
          ['claimed', 'running'].includes(attempts.at(-1)?.state ?? ''),
        );
        expect(isRefusal(outcome)).toBe(isTerminal(before.state) || isBusy);
        if (isRefusal(outcome)) {
          return;
        }
        expect(flow.state).toMatchObject({ state: 'cancelled', cause: { kind: 'exported' } });
        const elsewhere = new Flow();
        elsewhere.log.push(...withoutExport(flow.log));
        elsewhere.run = replay(elsewhere.log);
        elsewhere.now = flow.now;
        expect(elsewhere.state).toEqual(before);
        finish(elsewhere);
        requireVerdict(elsewhere.state);
        expect(replay(elsewhere.log)).toEqual(elsewhere.state);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a rerun of any ended run', () => {
  const which: fc.Arbitrary<(ids: readonly string[]) => Rerun> = fc.oneof(
    fc.constant(() => ({ kind: 'all' as const })),
    fc.constant(() => ({ kind: 'failed' as const })),
    fc
      .nat(20)
      .map((index) => (ids: readonly string[]) => ({ kind: 'node' as const, nodeId: ids[index % ids.length] ?? '' })),
  );

  it('ends, does nothing that is reused, and everything that depends on what it does', () => {
    let played = 0;
    fc.assert(
      fc.property(gatedGraph, personSayings, which, personSayings, (spec, said, choose, again) => {
        const first = planned(spec, {});
        play(first, said);
        finish(first);
        const asked: Rerun = { ...choose(spec.nodes.map(({ id }) => id)), here: true };
        const rerun = planRerun(first.state, asked);
        if (first.state.cancelRequested?.because?.kind === 'exported') {
          expect(isRefusal(planRerun(first.state, choose(spec.nodes.map(({ id }) => id))))).toBe(true);
        }
        if (isRefusal(rerun)) {
          requireInVain(first.state, asked);
          return;
        }
        played += 1;
        const { reused } = rerun;
        const flow = planned(spec, { reused, rerun: { of: 'r1', generation: 1, by: 'mara' } }, 'r2');
        play(flow, again, (before, after) => {
          requireLegal(before, after);
          requireNeeds(after);
        });
        finish(flow);
        requireVerdict(flow.state);
        expect(replay(flow.log)).toEqual(flow.state);
        for (const node of nodesOf(flow.state)) {
          const old = nodeOf(first.state, node.id);
          const { state, cause, outputs } = node;
          if (node.reusedFrom === undefined) {
            expect(Object.hasOwn(reused, node.id)).toBe(false);
            continue;
          }
          expect({ state, cause, outputs }).toEqual({ state: old?.state, cause: old?.cause, outputs: old?.outputs });
          expect(node).toMatchObject({ reusedFrom: 'r1', attempts: [] });
          expect(
            graphOf(spec)
              .needs(node.id)
              .filter((need) => !Object.hasOwn(reused, need)),
          ).toEqual([]);
        }
      }),
      { numRuns: 150 },
    );
    expect(played).toBeGreaterThan(50);
  });

  it('of any part of one that its deadline ended is not cancelled, when nobody cancels it', () => {
    let played = 0;
    fc.assert(
      fc.property(gatedGraph, personSayings, fc.nat(20), (graph, said, index) => {
        const first = planned({ ...graph, deadlineMs: 3_600_000 }, {});
        play(
          first,
          said.filter(({ word, other }) => ['decide', 'other'].includes(word) && other.kind !== 'cancel'),
        );
        first.now = Math.max(first.now, 1_000_000 + 3_600_000);
        first.do({ kind: 'fire', key: 'workflow:r1' });
        finish(first);
        const ids = graph.nodes.map(({ id }) => id);
        const rerun = planRerun(first.state, { kind: 'node', nodeId: ids[index % ids.length] ?? '' });
        if (isRefusal(rerun) || first.state.cancelRequested === undefined) {
          return;
        }
        // A worker may say that its job was cancelled although nobody asked for it.
        const reused = Object.values(rerun.reused);
        if (reused.some(({ state, cause }) => state === 'cancelled' && cause?.kind === 'cancelled')) {
          return;
        }
        played += 1;
        const again = planned({ ...graph, deadlineMs: Number.MAX_SAFE_INTEGER }, { reused: rerun.reused }, 'r2');
        finish(again);
        expect(again.state.state).not.toBe('cancelled');
      }),
      { numRuns: 150 },
    );
    expect(played).toBeGreaterThan(30);
  });

  it('that goes well comes to what a run comes to that went well from the start', () => {
    fc.assert(
      fc.property(gatedGraph, personSayings, (spec, said) => {
        const first = planned(spec, {});
        play(first, said);
        finish(first);
        const rerun = planRerun(first.state, { kind: 'failed', here: true });
        if (isRefusal(rerun)) {
          return;
        }
        const again = planned(spec, rerun);
        finish(again);
        // What succeeded is as it was; all the rest was played, and nothing of that is left over from the first time.
        for (const node of nodesOf(again.state)) {
          const old = nodeOf(first.state, node.id);
          const chose = old?.state === 'skipped' && old.cause?.kind === 'condition';
          expect(node.reusedFrom === undefined || old?.state === 'succeeded' || chose).toBe(true);
        }
        requireVerdict(again.state);
      }),
      { numRuns: 200 },
    );
  });
});

/** The refusal was right: nothing could come of it. */
function requireInVain(run: RunFlow, asked: Rerun): void {
  expect(asked.kind).not.toBe('all');
  if (asked.kind === 'failed') {
    for (const { id, state, cause, attempts } of nodesOf(run)) {
      // What is for failures only is done again with the others, not for itself.
      const looksOn = graphOf(run.spec).spec(id)?.onFailure === true;
      const chose = state === 'skipped' && cause?.kind === 'condition';
      // Its branch ran out of time before its turn, and in its turn it would not be asked for.
      const overdue = cause?.kind === 'clock' && cause.clock === 'branch' && attempts.length === 0;
      expect(looksOn || state === 'succeeded' || chose || overdue).toBe(true);
    }
  } else if (asked.kind === 'node' && graphOf(run.spec).spec(asked.nodeId)?.onFailure !== true) {
    // It never began, and what kept it from that is not done again.
    const { state, cause, attempts } = nodeOf(run, asked.nodeId) ?? {};
    const overdue = cause?.kind === 'clock' && cause.clock === 'branch';
    expect(overdue || state === 'skipped' || state === 'cancelled').toBe(true);
    expect(attempts).toEqual([]);
  }
}
