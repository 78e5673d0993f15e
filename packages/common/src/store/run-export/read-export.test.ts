import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  evolveAll,
  type FlowEvent,
  isRefusal,
  nodesOf,
  type RunSpec,
  replay,
  withoutExport,
} from '../../flow/index.js';
import { branch, Flow, gate, job, spec } from '../../flow/testing/flows.js';
import { graph, play, sayings } from '../../flow/testing/random-runs.js';
import { waitingSteps } from '../projection/index.js';
import { readExport } from './read-export.js';
import { exportOf } from './write-export.js';

const runId = randomUUID();
const source = {
  ...{ repositoryId: '1', forge: 'code', repositoryName: 'octo/app', cloneUrl: 'https://code.example/octo/app' },
  ...{ ref: 'refs/heads/main', commit: 'c'.repeat(40), before: undefined, title: undefined },
};
const meta = {
  ...{ number: 1, pageKey: 'k', source, trigger: { event: 'push', actor: 'ada' } },
  ...{ deliveryId: undefined, checkContext: 'solstice/ci' },
};

function writtenBy(flow: Flow, runSpec: RunSpec): { document: unknown; log: FlowEvent[] } {
  // Ids of the simulation are no UUIDs.
  const log = JSON.parse(JSON.stringify(flow.log).replaceAll(/\br1\b/g, runId)) as FlowEvent[];
  const progress = (attemptId: string) => {
    const node = runSpec.nodes.find(({ id }) => attemptId.startsWith(`${runId}/${id}/`));
    return { steps: node === undefined ? [] : waitingSteps(node), durableSeq: 0, logBytes: 0 };
  };
  const document = JSON.parse(JSON.stringify(exportOf(replay(log), meta, log, progress, () => [])));
  return { document, log };
}

it('takes a run of which something was asked to end at the deadline of its branch', () => {
  const runSpec = spec(
    branch('channel', 'true', [], { deadlineMs: 60_000 }),
    job('slow', ['channel'], { branch: { id: 'channel', side: 'then' } }),
    gate('ask'),
  );
  const flow = new Flow(runSpec);
  const attemptId = flow.start('slow');
  flow.now += 60_000;
  flow.do({ kind: 'fire', key: 'branch:r1/channel' });
  expect(flow.attempt(attemptId).cancelRequested).toMatchObject({ because: { kind: 'branch' } });
  const cause = { kind: 'cancelled' as const, by: 'branch channel' };
  flow.do({ kind: 'finish', attemptId, result: { state: 'cancelled', cause } });
  flow.do({ kind: 'export', by: 'mara' });
  const { document, log } = writtenBy(flow, runSpec);
  expect(readExport(document).events).toEqual(withoutExport(log));
});

it('takes late texts with what they came to, and refuses a run whose gate asks what nobody knows', () => {
  const pieces = [{ text: 'Ship ' }, { expression: 'needs.a.outputs.v' }];
  const runSpec = spec(job('a'), gate('ask', ['a'], { late: [{ at: { kind: 'prompt' }, pieces }] }));
  const flow = new Flow(runSpec);
  const result = { state: 'succeeded' as const, outputs: { v: '1.2' } };
  flow.do({ kind: 'finish', attemptId: flow.start('a'), result });
  flow.do({ kind: 'export', by: 'mara' });
  const { document } = writtenBy(flow, runSpec);
  expect(nodesOf(readExport(document).flow).map(({ texts }) => texts)).toEqual([undefined, ['Ship 1.2']]);
  const forgetful = JSON.parse(JSON.stringify(document).replace(',"texts":["Ship 1.2"]', ''));
  expect(() => readExport(forgetful)).toThrow(/ask is running, and its texts are not known/);
});

it('takes every run that may be exported, whatever was said to it, as it was there', () => {
  let taken = 0;
  fc.assert(
    fc.property(graph, sayings, (runSpec, said) => {
      const flow = new Flow(runSpec);
      play(flow, said, () => undefined);
      const before = flow.state;
      // Refused while a host has something of it, and once it is over.
      if (isRefusal(flow.try({ kind: 'export', by: 'mara' }))) return;
      taken += 1;
      const { document, log } = writtenBy(flow, runSpec);
      const arriving = readExport(document);
      expect(arriving.events).toEqual(withoutExport(log));
      expect(arriving.flow).toEqual(evolveAll(undefined, arriving.events));
      expect(nodesOf(arriving.flow).map(({ state }) => state)).toEqual(nodesOf(before).map(({ state }) => state));
    }),
    { numRuns: 400 },
  );
  expect(taken).toBeGreaterThan(20);
});
