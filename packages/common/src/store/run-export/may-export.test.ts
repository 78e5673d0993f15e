import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { isRefusal } from '../../flow/index.js';
import { Flow, gate, job, spec } from '../../flow/testing/flows.js';
import { waitingSteps } from '../projection/index.js';
import { afterExport, whyNotExport } from './may-export.js';
import { documentBytes, exportOf } from './write-export.js';

const runId = randomUUID();
const source = {
  ...{ repositoryId: '1', forge: 'code', repositoryName: 'octo/app', cloneUrl: 'https://code.example/octo/app' },
  ...{ ref: 'refs/heads/main', commit: 'c'.repeat(40), before: undefined, title: undefined },
};
const meta = {
  ...{ number: 1, pageKey: 'k', source, trigger: { event: 'push', actor: 'ada' } },
  ...{ deliveryId: undefined, checkContext: 'solstice/ci' },
};
const build = job('build');

/** A run whose job handed on so much, and printed it in so many pieces of one byte, exported within so many bytes. */
function exported(outputBytes: number, pieces: number, mostBytes: number) {
  const flow = new Flow();
  flow.do({ kind: 'plan', runId, spec: spec(build, gate('ask')) });
  const outputs = { notes: 'x'.repeat(outputBytes) };
  flow.do({ kind: 'finish', attemptId: flow.start('build'), result: { state: 'succeeded', outputs } });
  const after = afterExport(flow.state, 'mara', flow.now);
  if (isRefusal(after)) throw new Error(after.reason);
  const data = new TextEncoder().encode('.');
  const chunks = Array.from({ length: pieces }, (_, index) => ({
    ...{ seq: index + 1, step: 0, stream: 'stdout' as const, at: new Date(0), data },
  }));
  const progress = { steps: waitingSteps(build), durableSeq: pieces, logBytes: pieces };
  const events = [...flow.log, ...after.events];
  return {
    before: flow.state,
    document: exportOf(
      after.flow,
      meta,
      events,
      () => progress,
      () => chunks,
      mostBytes,
    ),
  };
}

it('leaves out more of a log that is in many small pieces, so that the whole may travel', () => {
  const mostBytes = 512 * 1024;
  const { before, document } = exported(0, 20_000, mostBytes);
  expect(documentBytes(document)).toBe(Buffer.byteLength(JSON.stringify(document)));
  expect(documentBytes(document)).toBeLessThan(mostBytes);
  const [left, ...rest] = document.attempts[0]?.log ?? [];
  expect(Buffer.from(left?.data ?? '', 'base64').toString()).toContain(`${20_000 - rest.length} bytes`);
  expect(rest.length).toBeGreaterThan(0);
  expect(rest.at(-1)?.seq).toBe(20_000);
  expect(whyNotExport(before, document, mostBytes)).toBeUndefined();
});

it('says how large it would be, and of what, when it is too large without any log', () => {
  const mostBytes = 20 * 1024;
  const { before, document } = exported(1024 * 1024, 500, mostBytes);
  expect(document.attempts[0]?.log).toHaveLength(1);
  expect(whyNotExport(before, document, mostBytes)).toEqual({
    ...{ refused: true, state: 'running' },
    reason: expect.stringMatching(
      /^its document would have 1\.0 MiB without its logs, and an import takes 0\.0 MiB\. Outputs of jobs are 1\.0 MiB of it.*goes on here, and nothing was changed$/,
    ),
  });
  expect(whyNotExport(before, document, 2 * 1024 * 1024)).toBeUndefined();
});

it('refuses what an import would take for something else: JSON with a key that objects lose', () => {
  const flow = new Flow();
  flow.do({
    ...{ kind: 'plan', runId },
    spec: spec(
      job('__proto__'),
      job('after', ['__proto__'], { needsOn: Object.fromEntries([['__proto__', 'always']]) }),
    ),
  });
  const after = afterExport(flow.state, 'mara', flow.now);
  if (isRefusal(after)) throw new Error(after.reason);
  const progress = { steps: [], durableSeq: 0, logBytes: 0 };
  const document = exportOf(
    after.flow,
    meta,
    [...flow.log, ...after.events],
    () => progress,
    () => [],
  );
  expect(whyNotExport(flow.state, document)).toMatchObject({
    refused: true,
    reason: expect.stringContaining('__proto__'),
  });
});

it('takes the same name within a text', () => {
  const { before, document } = exported(0, 1, 512 * 1024);
  const said = { ...document, source: { ...document.source, title: 'about {"__proto__":1}' } };
  expect(whyNotExport(before, said)).toBeUndefined();
});
