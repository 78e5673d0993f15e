import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Workflow } from '../workflow/index.js';
import { attemptIdOf, parseAttemptId } from './attempt-id.js';
import { type Cause, causeSchema } from './cause.js';
import { describeCause, describeDuration } from './describe-cause.js';
import { freeze } from './freeze.js';
import { runSpecSchema } from './spec.js';
import { Flow, job, spec } from './testing/flows.js';
import { waitingFor } from './waiting.js';

describe('describeCause', () => {
  it.each<[Cause, string]>([
    [{ kind: 'exit', step: 1, stepName: 'Test', exitCode: 3 }, 'step “Test” exited with 3'],
    [{ kind: 'signal', step: 1, stepName: 'Test', signal: 'SIGSEGV' }, 'step “Test” was ended by SIGSEGV'],
    [{ kind: 'clock', clock: 'job', limitMs: 300_000 }, 'the job took longer than 5 min'],
    [{ kind: 'clock', clock: 'step', limitMs: 1_500, step: 2, stepName: 'Test' }, 'step “Test” took longer than 1.5 s'],
    [{ kind: 'clock', clock: 'step', limitMs: 7_200_000, step: 2 }, 'step “2” took longer than 2 h'],
    [{ kind: 'out-of-memory' }, 'the worker ran out of memory'],
    [{ kind: 'source', detail: 'no such commit' }, 'the source could not be checked out: no such commit'],
    [
      { kind: 'cannot-start', step: 0, stepName: 'Go', detail: 'no such file' },
      'step “Go” could not be started: no such file',
    ],
    [{ kind: 'cancelled', by: 'mara' }, 'cancelled by mara'],
    [{ kind: 'cancelled', by: 'mara', reason: 'late' }, 'cancelled by mara: late'],
    [{ kind: 'lost', detail: 'gone' }, 'the worker was lost: gone'],
    [{ kind: 'lost', hostId: 'alder', detail: 'gone' }, 'the worker on host alder was lost: gone'],
    [{ kind: 'refused', hostId: 'alder', detail: 'full' }, 'no worker could be made on host alder: full'],
    [{ kind: 'nodes', nodes: ['a', 'b'] }, 'because of a, b'],
    [{ kind: 'clock', clock: 'workflow', limitMs: 7_200_000 }, 'the workflow did not end within its deadline of 2 h'],
    [{ kind: 'clock', clock: 'branch', limitMs: 60_000 }, 'its branch did not end within its deadline of 1 min'],
    [{ kind: 'clock', clock: 'gate', limitMs: 86_400_000 }, 'it was not decided within 24 h'],
    [{ kind: 'rejected', by: 'ada' }, 'rejected by ada'],
    [{ kind: 'rejected', by: 'ada', reason: 'not today' }, 'rejected by ada: not today'],
    [{ kind: 'superseded', runId: 'r9' }, 'a newer run took its place'],
    [{ kind: 'exported', by: 'mara' }, 'exported by mara, to go on elsewhere'],
    [{ kind: 'expression', detail: 'division by zero' }, 'an expression could not be judged: division by zero'],
    [{ kind: 'service', name: 'db', detail: 'it ended with 1' }, 'service db: it ended with 1'],
    [{ kind: 'refused', detail: 'no such image', problem: 'no-image' }, 'no worker could be made: no such image'],
  ])('%j', (cause, text) => {
    expect(causeSchema.parse(cause)).toEqual(cause);
    expect(describeCause(cause)).toBe(text);
  });

  it.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [1_000, '1 s'],
    [9_949, '9.9 s'],
    [10_400, '10 s'],
    [59_700, '1 min'],
    [185_000, '3 min 5 s'],
    [7_800_000, '2 h 10 min'],
  ])('%d ms is %s', (ms, text) => {
    expect(describeDuration(ms)).toBe(text);
  });
});

describe('waitingFor', () => {
  it('answers for every state before the start', () => {
    const flow = new Flow(spec(job('a'), job('b'), job('c', ['a', 'b'])));
    const why = (nodeId: string, hostsSay?: string) => waitingFor(flow.state, nodeId, hostsSay);
    const since = '1970-01-01T00:16:41.000Z';
    expect(why('c')).toBe('needs a, b');
    expect(why('a')).toBe(`queued for pool default since ${since}`);
    expect(why('a', 'no host is alive')).toBe(`queued for pool default since ${since}: no host is alive`);
    flow.claim('r1/a/1');
    expect(why('a')).toBe('alder makes a worker for it since 1970-01-01T00:16:42.000Z');
    flow.do({ kind: 'refuse', attemptId: 'r1/a/1', detail: 'the disk is full', retryable: true });
    expect(why('a')).toBe(
      'attempt 2 (no worker could be made on host alder: the disk is full), not before 1970-01-01T00:16:44.000Z; ' +
        'queued for pool default since 1970-01-01T00:16:43.000Z',
    );
    flow.start('a');
    expect(why('a')).toBe('its steps run on alder since 1970-01-01T00:16:46.000Z');
    flow.do({ kind: 'finish', attemptId: 'r1/a/2', result: { state: 'succeeded' } });
    expect(why('c')).toBe('needs b');
    flow.claim('r1/b/1');
    flow.do({ kind: 'cancel', by: 'mara' });
    expect(why('b')).toBe('is being cancelled: alder takes its worker away');
    expect(why('c')).toBeUndefined();
    expect(why('constructor')).toBeUndefined();
  });
});

describe('attempt ids', () => {
  it('name run, node and number, whatever the node is called', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.string({ minLength: 1 }), fc.integer({ min: 1, max: 99 }), (runId, nodeId, number) => {
        fc.pre(!/[\n\r\u2028\u2029]/.test(nodeId));
        expect(parseAttemptId(attemptIdOf(runId, nodeId, number))).toEqual({ runId, nodeId, number });
      }),
    );
    expect(parseAttemptId('nonsense')).toBeUndefined();
    expect(parseAttemptId('r//1')).toBeUndefined();
    expect(parseAttemptId('r/a/0')).toBeUndefined();
  });
});

describe('freeze', () => {
  const span = { line: 1, column: 1, endLine: 1, endColumn: 2 };
  const workflow: Workflow = {
    file: '.solstice/ci.kdl',
    name: 'ci',
    on: [{ event: 'push', branches: [] }],
    env: { LEVEL: 'workflow', ONLY: 'workflow' },
    jobs: [
      {
        ...{ id: 'build', name: 'Build it', image: 'debian:12', needs: [], timeoutMs: 60_000, span },
        env: { LEVEL: 'job' },
        setup: ['ci/setup.sh'],
        steps: [{ name: 'Test', env: { A: '1' }, timeoutMs: 5, action: { kind: 'run', script: 'make' } }],
      },
      {
        ...{ id: 'test', name: 'test', runsOn: 'large', env: {}, needs: ['build'], setup: [], steps: [], span },
        resources: { cpus: 2 },
        place: { hosts: ['alder', 'birch'], otherwise: 'any', on: 'infra' },
        exclusive: true,
      },
    ],
  };

  it('writes everything out, and nothing of the file stays in it', () => {
    const frozen = (freeze(workflow) as { spec: unknown }).spec;
    expect(frozen).toEqual({
      version: 1,
      workflow: { name: 'ci', file: '.solstice/ci.kdl' },
      nodes: [
        {
          ...{ kind: 'job', id: 'build', name: 'Build it', runsOn: 'default', image: 'debian:12', timeoutMs: 60_000 },
          env: { LEVEL: 'job', ONLY: 'workflow' },
          needs: [],
          steps: [
            { name: 'setup: ci/setup.sh', env: {}, action: { kind: 'script', path: 'ci/setup.sh' } },
            { name: 'Test', env: { A: '1' }, timeoutMs: 5, action: { kind: 'run', script: 'make' } },
          ],
        },
        {
          ...{ kind: 'job', id: 'test', name: 'test', runsOn: 'large', needs: ['build'] },
          env: { LEVEL: 'workflow', ONLY: 'workflow' },
          resources: { cpus: 2 },
          place: { hosts: ['alder', 'birch'], otherwise: 'any', on: 'infra' },
          exclusive: true,
          steps: [],
        },
      ],
    });
    expect(runSpecSchema.parse(frozen)).toEqual(frozen);
    expect(JSON.parse(JSON.stringify(frozen))).toEqual(frozen);
  });
});
