import fc from 'fast-check';
import type { Command } from '../messages.js';
import type { GateSpec, InputSpec, NodeSpec, RunSpec } from '../spec.js';
import { type Flow, gate } from './flows.js';
import { commandOf, graph, saying } from './random-runs.js';

const input: fc.Arbitrary<InputSpec> = fc.constantFrom<InputSpec>(
  { name: 'replicas', type: 'int', default: 4, min: 2, max: 12 },
  { name: 'level', type: 'string', options: ['info', 'debug'] },
  { name: 'dry', type: 'bool', default: false },
);

const gateWords: fc.Arbitrary<Partial<GateSpec>> = fc.record(
  {
    approvers: fc.subarray(['user:ada', 'user:bo', 'team:release']),
    count: fc.integer({ min: 1, max: 3 }),
    exclude: fc.constant('author' as const),
    inputs: fc.uniqueArray(input, { selector: ({ name }) => name }),
    timeoutMs: fc.constantFrom(5_000, 60_000),
    timeoutThen: fc.constantFrom('approve' as const, 'reject' as const),
    allowFailure: fc.constant(true as const),
    deadlineMs: fc.constantFrom(700, 60_000),
  },
  { requiredKeys: ['approvers', 'count', 'inputs'] },
);

/** A random graph in which some of the jobs are gates; caused by mara. */
export const gatedGraph: fc.Arbitrary<RunSpec> = fc
  .tuple(graph, fc.array(fc.option(gateWords, { freq: 1 }), { minLength: 10, maxLength: 10 }))
  .map(([run, words]): RunSpec => {
    const nodes = run.nodes.map((node, index): NodeSpec => {
      const said = words[index] ?? null;
      const { needs, needsOn, when, branch, onFailure } = node;
      return said === null || node.kind !== 'job'
        ? node
        : gate(node.id, needs, {
            ...(needsOn !== undefined && { needsOn }),
            ...(when !== undefined && { when }),
            ...(branch !== undefined && { branch }),
            ...(onFailure !== undefined && { onFailure }),
            ...said,
          });
    });
    return { ...run, nodes, values: { ...run.values, actor: 'mara' }, concurrency: { group: 'main', policy: 'queue' } };
  });

const words = [
  'decide',
  'decide',
  'decide',
  'other',
  'other',
  'other',
  'other',
  'supersede',
  'export',
  'admit',
] as const;

/** One more kind of saying: of a person to any node, at any time; of the run's place among others. */
export const personSaying = fc.record({
  word: fc.constantFrom(...words),
  other: saying,
  which: fc.nat(8),
  verdict: fc.constantFrom('approve' as const, 'approve' as const, 'approve' as const, 'reject' as const),
  by: fc.constantFrom('ada', 'bo', 'Bo', 'cy', 'mara', 'constructor'),
  teams: fc.subarray(['release', 'docs']),
  inputs: fc.dictionary(
    fc.constantFrom('replicas', 'level', 'dry', 'nothing'),
    fc.constantFrom('4', '5', '99', 'info', 'true', ''),
    { maxKeys: 2 },
  ),
  requestId: fc.nat(9),
});
export type PersonSaying = typeof personSaying extends fc.Arbitrary<infer T> ? T : never;

export function personCommandOf(flow: Flow, said: PersonSaying): Command {
  const { word, which, verdict, by, teams, inputs, requestId } = said;
  switch (word) {
    case 'other':
      return commandOf(flow, said.other);
    case 'supersede':
      return { kind: 'supersede', byRunId: 'r9' };
    case 'export':
      return { kind: 'export', by };
    case 'admit':
      return { kind: 'admit' };
    case 'decide': {
      const ids = [...flow.state.spec.nodes.map(({ id }) => id), 'nobody'];
      const nodeId = ids[which % ids.length] ?? '';
      return { kind: 'decide', requestId: `d${requestId}`, nodeId, verdict, by, teams, inputs };
    }
  }
}

/** Superseding and exporting end most runs early: they are said seldom. */
export const personSayings = fc
  .array(personSaying, { maxLength: 80 })
  .chain((said) =>
    fc.nat(5).map((seldom) => said.filter(({ word }) => seldom === 0 || (word !== 'supersede' && word !== 'export'))),
  );
