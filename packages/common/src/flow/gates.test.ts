import { describe, expect, it } from 'vitest';
import { checkOf } from './check-state.js';
import { effects } from './effects.js';
import { replay } from './evolve.js';
import type { GateSpec, InputSpec } from './spec.js';
import { branch, Flow, gate, job, spec } from './testing/flows.js';
import { timersOf } from './timers.js';
import { waitingFor } from './waiting.js';

const replicas: InputSpec = { name: 'replicas', type: 'int', default: 4, min: 2, max: 12 };
const level: InputSpec = { name: 'level', type: 'string', options: ['info', 'debug'] };
const dry: InputSpec = { name: 'dry', type: 'bool', default: false };

/** A run whose gate `release` is open, by mara. */
function opened(more: Partial<GateSpec> = {}): Flow {
  const runSpec = spec(gate('release', [], more), job('ship', ['release']));
  return new Flow({ ...runSpec, values: { actor: 'mara' } });
}

const refused = (reason: string, more: object = {}) =>
  expect.objectContaining({ refused: true, reason: expect.stringContaining(reason), ...more });

describe('a gate', () => {
  it('opens in its turn, and holds the run up until somebody approves', () => {
    const flow = new Flow(spec(job('build'), gate('release', ['build']), job('ship', ['release'])));
    expect(waitingFor(flow.state, 'release')).toBe('needs build');
    flow.succeed('build');
    expect(flow.nodeStates()).toMatchObject({ release: 'running', ship: 'waiting' });
    expect(flow.state.state).toBe('running');
    const events = flow.say('approve', 'release', 'ada', { reason: 'looks good' });
    expect(events).toMatchObject([
      { kind: 'gate.decided', decision: { by: 'ada', verdict: 'approve', reason: 'looks good' } },
      { kind: 'node.ended', state: 'succeeded' },
      { kind: 'node.readied', nodeId: 'ship' },
      { kind: 'attempt.queued' },
    ]);
    flow.succeed('ship');
    expect(flow.state.state).toBe('succeeded');
    expect(replay(flow.log)).toEqual(flow.state);
  });

  it('starts the run where it is the first of it, and calls no host', () => {
    const flow = opened();
    expect(flow.state.state).toBe('running');
    expect(effects(flow.state, flow.log)).toEqual([]);
  });

  it('hands its inputs on as outputs, those left out as their defaults', () => {
    const flow = opened({ inputs: [replicas, level, dry] });
    flow.say('approve', 'release', 'ada', { inputs: { level: 'debug', dry: 'true' } });
    expect(flow.node('release')).toMatchObject({
      state: 'succeeded',
      outputs: { replicas: '4', level: 'debug', dry: 'true' },
    });
  });

  it('knows its approvers as forges know people: by their names in whatever case', () => {
    const flow = opened({ approvers: ['user:ada'] });
    flow.say('approve', 'release', 'Ada');
    expect(flow.node('release').state).toBe('succeeded');
  });

  it.each([
    ['a number that is none', { replicas: 'four' }, 'input "replicas" is a whole number, and not "four"'],
    ['a number that is too small', { replicas: '1' }, 'input "replicas" is at least 2'],
    ['a number that is too large', { replicas: '13' }, 'input "replicas" is at most 12'],
    ['an option that there is not', { level: 'loud' }, 'input "level" is one of info, debug, and not "loud"'],
    ['a truth that is none', { dry: 'yes' }, 'input "dry" is true or false'],
    ['an input that there is not', { replica: '3' }, 'there is no input "replica"; did you mean "replicas"?'],
    ['a name that objects know', { constructor: '3' }, 'there is no input "constructor"'],
    ['nothing where something has to be said', { replicas: '3' }, 'input "level" is missing, and has no default'],
  ])('refuses %s, and stays open', (_name, inputs, problem) => {
    const flow = opened({ inputs: [replicas, level, dry] });
    const valid = { level: 'info' };
    const given = problem.includes('missing') ? inputs : { ...valid, ...inputs };
    expect(flow.say('approve', 'release', 'ada', { inputs: given })).toEqual(refused(problem, { kind: 'invalid' }));
    expect(flow.node('release').decisions).toBeUndefined();
    expect(flow.say('approve', 'release', 'ada', { inputs: valid })).toHaveLength(4);
  });

  it('is rejected by any approver, and what needs it is skipped', () => {
    const flow = opened({ count: 3 });
    flow.say('approve', 'release', 'ada');
    flow.say('reject', 'release', 'bo', { reason: 'not today' });
    expect(flow.node('release')).toMatchObject({
      state: 'failed',
      cause: { kind: 'rejected', by: 'bo', reason: 'not today' },
    });
    expect(flow.nodeStates()).toMatchObject({ ship: 'skipped' });
    expect(flow.state.state).toBe('failed');
    expect(checkOf(flow.state, { pageKey: 'k' }).title).toBe(
      '0 of 2 jobs succeeded · release failed: rejected by bo: not today',
    );
  });

  it('refuses inputs with a rejection', () => {
    const flow = opened({ inputs: [replicas] });
    expect(flow.say('reject', 'release', 'ada', { inputs: { replicas: '3' } })).toEqual(
      refused('a rejection has no inputs', { kind: 'invalid' }),
    );
  });

  it('that may fail lets what needs it go on', () => {
    const flow = opened({ allowFailure: true });
    flow.say('reject', 'release', 'ada');
    expect(flow.nodeStates()).toEqual({ release: 'failed', ship: 'ready' });
  });

  it('is not there by any other name', () => {
    const flow = opened();
    expect(flow.say('approve', 'ship', 'ada')).toEqual(
      refused('the run has no gate ship; its gates: release', { state: 'none', kind: 'invalid' }),
    );
    expect(new Flow(spec(job('a'))).say('approve', 'release', 'ada')).toEqual(refused('it has none'));
  });
});

describe('where gates stand', () => {
  const values = { branch: 'main' };
  const inBranch = (side: 'then' | 'else') => ({ branch: { id: 'channel', side } });

  it('several may be open in one run, each decided by itself', () => {
    const flow = new Flow(spec(gate('a'), gate('b'), job('c', ['a', 'b']), gate('d', ['c'])));
    flow.say('approve', 'b', 'ada', { requestId: 'one' });
    expect(flow.nodeStates()).toMatchObject({ a: 'running', b: 'succeeded', c: 'waiting' });
    // A request is of one gate: the same number for another is another decision.
    flow.say('approve', 'a', 'ada', { requestId: 'one' });
    flow.succeed('c');
    flow.say('approve', 'd', 'ada');
    expect(flow.state.state).toBe('succeeded');
  });

  it('one in a branch opens on the side that is taken only, and what it says is read there', () => {
    const flow = new Flow({
      ...spec(
        branch('channel', "branch == 'main'"),
        gate('release', ['channel'], { ...inBranch('then'), inputs: [replicas] }),
        job('ship', ['release'], { when: 'gates.release.replicas > 3' }),
        job('wide', ['release'], { when: 'gates.release.replicas > 5' }),
        gate('nightly', ['channel'], inBranch('else')),
      ),
      values,
    });
    expect(flow.nodeStates()).toMatchObject({ release: 'running', nightly: 'skipped' });
    flow.say('approve', 'release', 'ada', { inputs: { replicas: '5' } });
    expect(flow.nodeStates()).toMatchObject({ ship: 'ready', wide: 'skipped' });
    expect(flow.say('approve', 'nightly', 'ada')).toEqual(refused('is decided: skipped', { state: 'skipped' }));
  });

  it("one in a branch ends with the branch's deadline", () => {
    const flow = new Flow({
      ...spec(
        branch('channel', "branch == 'main'", [], { deadlineMs: 10_000 }),
        gate('release', ['channel'], inBranch('then')),
      ),
      values,
    });
    expect(waitingFor(flow.state, 'release')).toContain('deadline of branch channel');
    flow.now += 10_000;
    flow.do({ kind: 'fire', key: 'branch:r1/channel' });
    expect(flow.node('release')).toMatchObject({ state: 'timed_out', cause: { clock: 'branch' } });
    expect(flow.say('approve', 'release', 'ada')).toEqual(refused('is decided: timed_out'));
  });

  it('each cell of a matrix has its own', () => {
    const cell = (id: string, os: string) => gate(id, [], { matrix: { group: 'release', cell: { os } } });
    const flow = new Flow({
      ...spec(cell('release-1', 'illumos'), cell('release-2', 'linux'), cell('release-3', 'macos')),
      groups: { release: { maxParallel: 2, onFailure: 'cancel' } },
    });
    expect(flow.nodeStates()).toEqual({ 'release-1': 'running', 'release-2': 'running', 'release-3': 'waiting' });
    flow.say('approve', 'release-1', 'ada');
    expect(flow.node('release-3').state).toBe('running');
    flow.say('reject', 'release-2', 'ada');
    expect(flow.node('release-3')).toMatchObject({ state: 'cancelled' });
    expect(flow.state).toMatchObject({ state: 'failed', broken: ['release-2'] });
  });
});

describe('who may decide', () => {
  const approvers = ['user:ada', 'team:release'];

  it('is named in the gate, by themselves or by a team', () => {
    const byName = opened({ approvers });
    expect(byName.say('approve', 'release', 'ada')).toHaveLength(4);
    const byTeam = opened({ approvers });
    expect(byTeam.say('approve', 'release', 'cy', { teams: ['docs', 'release'] })).toHaveLength(4);
  });

  it.each([
    ['nobody else', 'bo', []],
    ['nobody of another team', 'bo', ['ada', 'user:ada']],
    ['no person that is called as the team', 'release', []],
  ])('is %s', (_name, by, teams) => {
    const flow = opened({ approvers });
    for (const verdict of ['approve', 'reject'] as const) {
      expect(flow.say(verdict, 'release', by, { teams })).toEqual(
        refused('user:ada or team:release may', { kind: 'forbidden' }),
      );
    }
  });

  it('is not the author, where the gate says so, however they spell themselves', () => {
    const flow = opened({ exclude: 'author', approvers: ['team:release'] });
    for (const by of ['mara', 'Mara']) {
      expect(flow.say('approve', 'release', by, { teams: ['release'] })).toEqual(
        refused(`${by} caused this run`, { kind: 'forbidden' }),
      );
    }
    expect(flow.say('approve', 'release', 'ada', { teams: ['release'] })).toHaveLength(4);
    expect(opened().say('approve', 'release', 'mara')).toHaveLength(4);
  });
});

describe('several approvers', () => {
  it('are different people, however often one of them says it', () => {
    const flow = opened({ count: 2 });
    expect(flow.say('approve', 'release', 'ada')).toHaveLength(1);
    expect(flow.say('approve', 'release', 'ada')).toEqual([]);
    expect(flow.say('approve', 'release', 'ADA')).toEqual([]);
    expect(flow.node('release').state).toBe('running');
    expect(flow.say('approve', 'release', 'bo')).toHaveLength(4);
    expect(flow.node('release').decisions?.map(({ by }) => by)).toEqual(['ada', 'bo']);
  });

  it('agree on the inputs: another value is refused, none goes along', () => {
    const flow = opened({ count: 3, inputs: [replicas, level] });
    flow.say('approve', 'release', 'ada', { inputs: { replicas: '3', level: 'info' } });
    expect(flow.say('approve', 'release', 'bo', { inputs: { replicas: '5' } })).toEqual(
      refused('ada approved replicas=3; approve the same, or reject', { state: 'running' }),
    );
    flow.say('approve', 'release', 'bo');
    flow.say('approve', 'release', 'cy', { inputs: { replicas: '03' } });
    expect(flow.node('release')).toMatchObject({ state: 'succeeded', outputs: { replicas: '3', level: 'info' } });
  });

  it('may change their minds while it is open, and only the last word of each counts', () => {
    const flow = opened({ count: 2, inputs: [replicas] });
    flow.say('approve', 'release', 'ada', { inputs: { replicas: '3' } });
    expect(flow.say('approve', 'release', 'ada', { inputs: { replicas: '5' } })).toHaveLength(1);
    expect(flow.node('release').state).toBe('running');
    expect(flow.say('approve', 'release', 'bo', { inputs: { replicas: '3' } })).toEqual(refused('replicas=5'));
    // What bo went along with, ada alone cannot change any more, but she can still say no.
    flow.say('reject', 'release', 'ada');
    expect(flow.node('release')).toMatchObject({ state: 'failed', cause: { kind: 'rejected', by: 'ada' } });
  });
});

describe('a decision', () => {
  it('that is early is refused with what the gate waits for', () => {
    const flow = new Flow(spec(job('build'), gate('release', ['build'])));
    expect(flow.say('approve', 'release', 'ada')).toEqual(
      refused('gate release is not open yet: needs build', { state: 'waiting' }),
    );
  });

  it.each(['approve', 'reject'] as const)('that is late is refused with the state: %s', (verdict) => {
    const flow = opened();
    flow.say(verdict, 'release', 'ada');
    const state = flow.node('release').state;
    const said = `gate release is decided: ${verdict === 'approve' ? 'approved' : 'rejected'} by ada`;
    expect(flow.say('approve', 'release', 'bo')).toEqual(refused(said, { state }));
    expect(flow.say('reject', 'release', 'bo')).toEqual(refused(said, { state }));
    expect(flow.say(verdict === 'approve' ? 'reject' : 'approve', 'release', 'ada')).toEqual(refused(said, { state }));
  });

  it('that is said again changes nothing, also when the gate has ended by it', () => {
    const flow = opened({ inputs: [replicas] });
    const said = { inputs: { replicas: '3' }, requestId: 'one' };
    flow.say('approve', 'release', 'ada', said);
    expect(flow.say('approve', 'release', 'ada', said)).toEqual([]);
    expect(flow.say('approve', 'release', 'ada', { ...said, requestId: 'two' })).toEqual([]);
    expect(flow.say('approve', 'release', 'ada', { inputs: { replicas: '5' } })).toEqual(
      refused('is decided', { state: 'succeeded' }),
    );
  });

  it('of another person cannot borrow a request', () => {
    const flow = opened({ count: 2 });
    flow.say('approve', 'release', 'ada', { requestId: 'one' });
    expect(flow.say('approve', 'release', 'bo', { requestId: 'one' })).toEqual(
      refused('request one was another decision, by ada', { kind: 'invalid' }),
    );
  });

  it('is beaten by a cancel', () => {
    const flow = opened();
    flow.do({ kind: 'cancel', by: 'mara' });
    expect(flow.node('release')).toMatchObject({ state: 'cancelled', cause: { kind: 'cancelled', by: 'mara' } });
    expect(flow.say('approve', 'release', 'ada')).toEqual(
      refused('gate release is decided: cancelled', { state: 'cancelled' }),
    );
    expect(flow.state.state).toBe('cancelled');
  });
});

describe('the time of a gate', () => {
  const expire = (flow: Flow): void => {
    const [timer] = timersOf(flow.state);
    expect(timer?.key).toBe('gate:r1/release');
    flow.now = (timer?.fireAtMs ?? 0) - 2_000;
    expect(flow.do({ kind: 'fire', key: 'gate:r1/release' })).toEqual([]);
    flow.do({ kind: 'fire', key: 'gate:r1/release' });
  };

  it('rejects when it is over, unless told otherwise', () => {
    const flow = opened({ timeoutMs: 60_000 });
    expire(flow);
    const cause = { kind: 'clock', clock: 'gate', limitMs: 60_000 };
    expect(flow.node('release')).toMatchObject({ state: 'timed_out', cause });
    expect(flow.state.state).toBe('failed');
    expect(flow.say('approve', 'release', 'ada')).toEqual(refused('is decided: timed_out', { state: 'timed_out' }));
    expect(timersOf(flow.state)).toEqual([]);
  });

  it('approves with the defaults, or what has been agreed on', () => {
    const flow = opened({ timeoutMs: 60_000, timeoutThen: 'approve', inputs: [replicas] });
    expire(flow);
    expect(flow.node('release')).toMatchObject({ state: 'succeeded', outputs: { replicas: '4' } });
    expect(flow.say('approve', 'release', 'ada')).toEqual(
      refused('gate release is decided: approved by its timeout, with replicas=4', { state: 'succeeded' }),
    );
    const half = opened({ timeoutMs: 60_000, timeoutThen: 'approve', inputs: [replicas], count: 2 });
    half.say('approve', 'release', 'ada', { inputs: { replicas: '7' } });
    expire(half);
    expect(half.node('release')).toMatchObject({ state: 'succeeded', outputs: { replicas: '7' } });
    expect(half.say('reject', 'release', 'bo')).toEqual(refused('approved by its timeout, with replicas=7'));
  });

  it('cannot approve what nobody has said', () => {
    const flow = opened({ timeoutMs: 60_000, timeoutThen: 'approve', inputs: [level] });
    expire(flow);
    expect(flow.node('release').state).toBe('timed_out');
  });

  it('is nothing after a decision', () => {
    const flow = opened({ timeoutMs: 60_000 });
    flow.say('approve', 'release', 'ada');
    flow.now += 100_000;
    expect(flow.do({ kind: 'fire', key: 'gate:r1/release' })).toEqual([]);
  });

  it('ends at the deadline, if that is before', () => {
    const flow = opened({ timeoutMs: 60_000, timeoutThen: 'approve', deadlineMs: 10_000 });
    expect(waitingFor(flow.state, 'release')).toContain('(deadline)');
    flow.now += 10_000;
    flow.do({ kind: 'fire', key: 'deadline:r1/release' });
    expect(flow.node('release')).toMatchObject({ state: 'timed_out', cause: { clock: 'deadline' } });
  });
});

describe('what is said of an open gate', () => {
  it('names who may approve, how many are missing, and until when', () => {
    const flow = opened({ approvers: ['team:release', 'user:ada'], count: 2, exclude: 'author', timeoutMs: 60_000 });
    flow.say('approve', 'release', 'ada');
    expect(waitingFor(flow.state, 'release')).toBe(
      'waits for 1 of 2 approvals by team:release or user:ada, but not the author, mara, ' +
        'until 1970-01-01T00:17:41.000Z (then it is rejected); approved by ada',
    );
    const one = opened({ timeoutMs: 60_000, timeoutThen: 'approve' });
    expect(waitingFor(one.state, 'release')).toBe(
      'waits for an approval by anyone who may operate, until 1970-01-01T00:17:41.000Z (then it is approved)',
    );
  });

  it('stands in the check, which is pending as long', () => {
    const prompt = 'Ship abc1234?';
    const flow = new Flow(spec(job('a'), gate('release', [], { count: 2, prompt }), gate('other'), job('b')));
    expect(checkOf(flow.state, { pageKey: 'k' })).toMatchObject({
      state: 'pending',
      title: 'Waiting for approval of release (0 of 2) by anyone who may operate, and of other',
    });
    flow.say('approve', 'release', 'ada');
    flow.say('approve', 'other', 'ada');
    flow.fail('a');
    const check = checkOf(flow.state, { pageKey: 'k' });
    expect(check.title).toBe(
      'Waiting for approval of release (1 of 2) by anyone who may operate · a failed: step “Test” exited with 3',
    );
    expect(check.text.split('\n')).toEqual([
      'release (Ship abc1234?) waits for 1 of 2 approvals by anyone who may operate; approved by ada',
      'a failed: step “Test” exited with 3 (1 s)',
    ]);
    flow.say('approve', 'release', 'bo');
    expect(checkOf(flow.state, { pageKey: 'k' }).state).toBe('running');
  });
});
