import fc from 'fast-check';
import type { Command, RunFlow } from '../messages.js';
import { attemptsOf } from '../node-table.js';
import type { LateText, NodeSpec, PlaceSpec, RetrySpec, RunSpec } from '../spec.js';
import type { AttemptState } from '../states.js';
import { timersOf } from '../timers.js';
import { branch, type Flow, job, spec, wait } from './flows.js';

const results = ['succeeded', 'succeeded', 'succeeded', 'failed', 'timed_out', 'cancelled'] as const;
// The ordinary way of an attempt is said more often, so that runs get somewhere.
const ordinary = ['claim', 'start', 'finish', 'fire'] as const;
const kinds = [...ordinary, ...ordinary, ...ordinary, ...ordinary, 'lose', 'refuse', 'cancel', 'plan'] as const;

const place: fc.Arbitrary<PlaceSpec> = fc.record(
  {
    hosts: fc.uniqueArray(fc.constantFrom('alder', 'birch', 'cedar', 'elm'), { minLength: 1 }),
    otherwise: fc.constant('any' as const),
    on: fc.constantFrom('infra' as const, 'any' as const),
  },
  { requiredKeys: ['hosts', 'on'] },
);

const someMs = fc.constantFrom(1, 700, 5_000, 60_000, 600_000, 600_000, 600_000);

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

/** A kind for each of so many nodes. */
const KINDS = ['wait', 'branch', 'branch', 'job', 'job', 'job', 'job'] as const;

/** Of a node that needs `$`, where it says so: true, false, and what cannot be judged, which most conditions can. */
const conditions = [
  "branch == 'main'",
  "branch != 'main'",
  "changed('src/**')",
  "needs.$.result == 'failed'",
  "needs.$.result != 'failed'",
  "needs.$.outputs.version != ''",
  '1 / (size(branch) - 4) > 0',
] as const;

/** About the first node that it needs; of one that needs none something that it can read. */
function conditionOf(text: string | undefined, needs: readonly string[]): string | undefined {
  return needs[0] === undefined && text?.includes('$') === true
    ? "branch == 'main'"
    : text?.replace('$', needs[0] ?? '');
}

/** Texts of a job that needs `$`: most come to something, one to no image, one cannot be judged where that has an output. */
const lateTexts: readonly LateText[] = [
  { at: { kind: 'env', name: 'VERSION' }, pieces: [{ text: 'v${needs.' }, { expression: 'needs.$.outputs.version' }] },
  { at: { kind: 'step-env', step: 0, name: 'WHY' }, pieces: [{ expression: 'needs.$.result + needs.$.reason' }] },
  { at: { kind: 'image' }, pieces: [{ text: 'app:' }, { expression: 'needs.$.outputs.version' }] },
  { at: { kind: 'env', name: 'FIRST' }, pieces: [{ expression: '1 / (size(needs.$.outputs.version) - 7)' }] },
];

/** About the first node that it needs. */
function lateOf(numbers: readonly number[], [first]: readonly string[]): { late?: LateText[] } {
  const late = first === undefined ? [] : numbers.flatMap((number) => lateTexts[number] ?? []);
  const about = JSON.stringify(late).replaceAll('$.', `${first ?? ''}.`);
  return late.length === 0 ? {} : { late: JSON.parse(about) as LateText[] };
}

/** Where a node stands, and what it asks for beside what it needs. Most stand nowhere, and ask for nothing. */
const standing = fc.record({
  when: fc.option(fc.constantFrom(...conditions), { nil: undefined, freq: 1 }),
  late: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.subarray(lateTexts.map((_, index) => index)) },
  ),
  /** In the branch with this number, if it is one and comes before. */
  within: fc.option(fc.record({ number: fc.nat(6), side: fc.constantFrom('then' as const, 'else' as const) }), {
    nil: undefined,
  }),
});

/** From this node on they are for failures only. */
const firstLooker = fc.oneof(
  { weight: 3, arbitrary: fc.constant(99) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 6 }) },
);

const groups = fc.record(
  { maxParallel: fc.constantFrom(1, 2), onFailure: fc.constantFrom('continue' as const, 'cancel' as const) },
  { requiredKeys: ['onFailure'] },
);

/**
 * A graph without circles: each node may need any of those before it, one way or another. Written down in a shuffled
 * order.
 */
export const graph: fc.Arbitrary<RunSpec> = fc
  .tuple(
    fc.array(
      fc.tuple(
        fc.array(fc.tuple(fc.nat(6), fc.constantFrom(undefined, undefined, 'always' as const, 'failed' as const)), {
          maxLength: 4,
        }),
        modifiers,
        fc.nat(KINDS.length - 1),
        standing,
      ),
      { minLength: 1, maxLength: 7 },
    ),
    groups,
    groups,
    firstLooker,
    fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: someMs }),
  )
  .chain(([given, m, other, lookers, runDeadlineMs]) => {
    const nodes = given.map(([asked, said, number, { when: text, within, late }], index): NodeSpec => {
      const kind = KINDS[number] ?? 'job';
      const needed = new Map(asked.filter(([number]) => number < index).map(([number, on]) => [`n${number}`, on]));
      const inBranch =
        within !== undefined &&
        within.number < index &&
        within.number >= lookers === index >= lookers &&
        KINDS[given[within.number]?.[2] ?? 0] === 'branch'
          ? { id: `n${within.number}`, side: within.side }
          : undefined;
      if (inBranch !== undefined) {
        needed.set(inBranch.id, undefined);
      }
      const when = conditionOf(text, [...needed.keys()]);
      const needsOn = Object.fromEntries([...needed].flatMap(([id, on]) => (on === undefined ? [] : [[id, on]])));
      const common = {
        ...(Object.keys(needsOn).length > 0 && { needsOn }),
        ...(when !== undefined && { when }),
        ...(inBranch && { branch: inBranch }),
        ...(index >= lookers && { onFailure: true as const }),
      };
      const { allowFailure, deadlineMs } = said;
      const little = {
        ...common,
        ...(allowFailure && { allowFailure }),
        ...(deadlineMs !== undefined && { deadlineMs }),
      };
      switch (kind) {
        case 'wait':
          return wait(`n${index}`, [...needed.keys()], { ...little, forMs: 5_000 });
        case 'branch':
          return branch(`n${index}`, when ?? "branch == 'main'", [...needed.keys()], little);
        default:
          return job(`n${index}`, [...needed.keys()], { ...common, ...said, ...lateOf(late, [...needed.keys()]) });
      }
    });
    return fc.shuffledSubarray(nodes, { minLength: nodes.length, maxLength: nodes.length }).map(
      (shuffled): RunSpec => ({
        ...spec(...shuffled),
        groups: { m, constructor: other },
        values: { branch: 'main' },
        changed: { 'src/**': true },
        ...(runDeadlineMs !== undefined && { deadlineMs: runDeadlineMs }),
      }),
    );
  });

/** One thing that somebody says, sensible or not: a command of any kind for the attempt at some place of the list. */
export const saying = fc.record({
  kind: fc.constantFrom(...kinds),
  /** Of those attempts for which it makes sense, if there are any. */
  sensible: fc.constantFrom(true, true, true, false),
  which: fc.nat(30),
  result: fc.constantFrom(...results),
  exits: fc.boolean(),
  final: fc.constantFrom(false, false, false, true),
  retryable: fc.boolean(),
  host: fc.constantFrom('alder', 'birch'),
  request: fc.nat(2),
  waitMs: fc.constantFrom(0, 0, 0, 0, 500, 500, 6_000, 61_000),
});
export type Saying = typeof saying extends fc.Arbitrary<infer T> ? T : never;

/** What an attempt is before it is said. */
const before: Partial<Record<Saying['kind'], AttemptState>> = {
  claim: 'queued',
  start: 'claimed',
  refuse: 'claimed',
  lose: 'running',
  finish: 'running',
};

export function commandOf(flow: Flow, said: Saying): Command {
  const attempts = attemptsOf(flow.state);
  const fitting = said.sensible ? attempts.filter(({ state }) => state === before[said.kind]) : [];
  const attemptIds =
    fitting.length > 0 ? fitting.map(({ id }) => id) : [...attempts.map(({ id }) => id), 'r1/nobody/1'];
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
      // Once in a while: nothing much comes after it.
      return said.which % 6 === 0 ? { kind: 'cancel', by: 'mara' } : { kind: 'start', attemptId };
    case 'plan':
      return { kind: 'plan', runId: 'r1', spec: flow.state.spec };
    case 'start':
      return { kind: 'start', attemptId };
    case 'fire': {
      const due = said.sensible ? timersOf(flow.state).filter(({ fireAtMs }) => fireAtMs <= flow.now) : [];
      if (due.length > 0) {
        return { kind: 'fire', key: due[said.which % due.length]?.key ?? '' };
      }
      // Most of them have been overtaken.
      const keys = [
        ...flow.keys,
        'nonsense',
        'wait:r1/nobody',
        'queue:r1/n0/99',
        'deadline:',
        'branch:r1/n0',
        'workflow:r1',
      ];
      return { kind: 'fire', key: keys[said.which % keys.length] ?? '' };
    }
  }
}

/** Says it, one after the other, and has every state checked that comes of it. */
export function play(flow: Flow, sayings: readonly Saying[], check: (before: RunFlow, after: RunFlow) => void): void {
  check(flow.state, flow.state);
  for (const said of sayings) {
    flow.now += said.waitMs;
    const before = flow.state;
    flow.try(commandOf(flow, said));
    // Much of it changes nothing: what held before it holds.
    if (flow.state !== before) {
      check(before, flow.state);
    }
  }
}

// As many as that: what is left to itself is short, and most runs would not get far.
export const sayings = fc.array(saying, { maxLength: 60, size: 'max' });
