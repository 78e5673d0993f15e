import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkOf, clip, MAX_TITLE_LENGTH } from './check-state.js';
import { Flow, job, spec } from './testing/flows.js';

const check = (flow: Flow) => checkOf(flow.state, { pageKey: 'key' });

/** No half of a surrogate pair in it. */
const isWhole = (text: string): boolean => Buffer.from(text).toString() === text;

describe('the check of a run', () => {
  it('is pending, running, and then says how it went', () => {
    const flow = new Flow(spec(job('build'), job('test', ['build'])));
    expect(check(flow)).toEqual({ state: 'pending', title: 'Queued · 2 jobs', text: '', pageKey: 'key' });
    flow.succeed('build');
    expect(check(flow)).toEqual({ state: 'running', title: 'Running · 2 jobs', text: '', pageKey: 'key' });
    flow.succeed('test');
    expect(check(flow)).toEqual({
      state: 'succeeded',
      title: '2 of 2 jobs succeeded',
      text: 'build succeeded (1 s)\ntest succeeded (1 s)\nThe run took 6 s.',
      pageKey: 'key',
    });
  });

  it('names the job and step that failed, at once', () => {
    const flow = new Flow(spec(job('a'), job('b'), job('build', ['a']), job('last', ['build'])));
    flow.succeed('a');
    flow.fail('build');
    expect(check(flow)).toMatchObject({
      state: 'running',
      title: 'Running · build failed: step “Test” exited with 3',
      text: 'build failed: step “Test” exited with 3 (1 s)',
    });
    flow.succeed('b');
    expect(check(flow)).toMatchObject({
      state: 'failed',
      title: '2 of 4 jobs succeeded · build failed: step “Test” exited with 3',
    });
    expect(check(flow).text).toContain('last skipped: because of build');
  });

  it('counts further failures', () => {
    const flow = new Flow(spec(job('a'), job('b'), job('c')));
    flow.fail('a');
    flow.fail('b');
    flow.succeed('c');
    expect(check(flow).title).toBe('1 of 3 jobs succeeded · a failed: step “Test” exited with 3 · 1 more');
  });

  it('tells a timeout, and the fault of the infrastructure, from a failure', () => {
    const late = new Flow(spec(job('a')));
    const cause = { kind: 'clock', clock: 'job', limitMs: 90_000 } as const;
    late.do({ kind: 'finish', attemptId: late.start('a'), result: { state: 'timed_out', cause } });
    expect(check(late)).toMatchObject({
      state: 'timed_out',
      title: '0 of 1 job succeeded · a timed out: the job took longer than 1 min 30 s',
    });

    const broken = new Flow(spec(job('a')));
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      broken.do({ kind: 'lose', attemptId: broken.start('a'), detail: 'it did not renew its lease' });
    }
    expect(check(broken)).toMatchObject({ state: 'error' });
    expect(check(broken).text).toContain('attempt 2 was lost: the worker on host alder was lost');
  });

  it('says who cancelled', () => {
    const flow = new Flow(spec(job('a')));
    flow.do({ kind: 'cancel', by: 'mara', reason: 'wrong branch' });
    expect(check(flow)).toMatchObject({ state: 'cancelled', title: 'Cancelled by mara: wrong branch' });
  });

  it('never has a title over its limit, nor half a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.nat(2), (name, extra) => {
        const flow = new Flow(spec(job('a'), ...Array.from({ length: extra }, (_, index) => job(`x${index}`))));
        const cause = { kind: 'exit', step: 0, stepName: name, exitCode: 1 } as const;
        for (const { id } of flow.state.spec.nodes) {
          flow.do({ kind: 'finish', attemptId: flow.start(id), result: { state: 'failed', cause } });
        }
        const { title } = check(flow);
        expect(title.length).toBeLessThanOrEqual(MAX_TITLE_LENGTH);
        expect(isWhole(title) || !isWhole(name)).toBe(true);
      }),
      { numRuns: 50 },
    );
    expect(clip('abcdef', 6)).toBe('abcdef');
    expect(clip('abcdefg', 6)).toBe('abcde…');
    expect(clip('abcd😀xx', 6)).toBe('abcd…');
  });
});
