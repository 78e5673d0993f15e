import { afterAll, beforeAll, expect, test } from 'vitest';
import { Installation } from '../harness/installation.js';
import { feature } from './feature.js';
import { nodeOf, Play, statesOf, timesOf } from './play.js';

let installation: Installation;

beforeAll(async () => {
  installation = await Installation.create({ backend: 'process' });
});
afterAll(async () => {
  await installation?.remove();
});

test(feature('sequence'), async () => {
  const play = await Play.begin(
    installation,
    'sequence',
    `workflow "sequence" {
    on "push"
    job "first" {
        step run="echo 4.2 > version.txt"
        output "version" file="version.txt"
    }
    job "second" { needs "first"; step run="solstice output next=$NEEDS_FIRST_VERSION.1"; }
    job "third" { needs "second"; step run="echo $NEEDS_SECOND_NEXT after $NEEDS_SECOND_RESULT"; }
}`,
  );
  const run = await play.ended();
  expect(statesOf(run)).toEqual({ first: 'succeeded', second: 'succeeded', third: 'succeeded' });
  expect(timesOf(run, 'first').ended).toBeLessThanOrEqual(timesOf(run, 'second').began);
  expect(timesOf(run, 'second').ended).toBeLessThanOrEqual(timesOf(run, 'third').began);
  expect(await play.printed('third')).toBe('4.2.1 after succeeded\n');
});

test(feature('parallel with join'), async () => {
  // Each side goes on only when it has seen the other: one after the other, they would never end.
  const meet = (mine: string, other: string) =>
    `mkdir -p /tmp/$CI_RUN_ID && : > /tmp/$CI_RUN_ID/${mine} && while ! test -e /tmp/$CI_RUN_ID/${other}; do sleep 0.05; done`;
  const play = await Play.begin(
    installation,
    'parallel',
    `workflow "parallel" {
    on "push"
    job "left" timeout="1m" { step run="${meet('left', 'right')}"; }
    job "right" timeout="1m" { step run="${meet('right', 'left')}"; }
    job "join" { needs "left" "right"; step run="rm -r /tmp/$CI_RUN_ID"; }
}`,
  );
  const run = await play.ended();
  expect(statesOf(run)).toEqual({ left: 'succeeded', right: 'succeeded', join: 'succeeded' });
  const joined = timesOf(run, 'join').began;
  expect(timesOf(run, 'left').ended).toBeLessThanOrEqual(joined);
  expect(timesOf(run, 'right').ended).toBeLessThanOrEqual(joined);
});

test(feature('branch'), async () => {
  const play = await Play.begin(
    installation,
    'branch',
    `workflow "branch" {
    on "push"
    job "look" { step run="solstice output found=yes"; }
    branch "way" when="needs.look.outputs.found == 'yes'" {
        needs "look"
        then { job "mend" { step run="true"; }; job "tell" { needs "mend"; step run="true"; }; }
        else { job "rest" { step run="exit 1"; }; }
    }
    job "after" { needs "way"; step run="echo $NEEDS_WAY_RESULT"; }
}`,
  );
  const run = await play.ended();
  expect([run.state, statesOf(run)]).toEqual([
    'succeeded',
    { look: 'succeeded', way: 'succeeded', mend: 'succeeded', tell: 'succeeded', rest: 'skipped', after: 'succeeded' },
  ]);
  expect(nodeOf(run, 'rest').causeText).toContain("needs.look.outputs.found == 'yes'");
  expect(timesOf(run, 'tell').ended).toBeLessThanOrEqual(timesOf(run, 'after').began);
});

test(feature('retry'), async () => {
  const play = await Play.begin(
    installation,
    'retry',
    `workflow "retry" {
    on "push"
    job "flaky" { retry 3 on="exit:75" backoff="100ms..1s"; step run="test $CI_ATTEMPT = 3 || exit 75"; }
    job "other" { retry 3 on="exit:75" backoff="100ms..1s"; step run="exit 1"; }
}`,
  );
  const run = await play.ended();
  const attemptsOf = (id: string) => nodeOf(run, id).attempts.map(({ state }) => state);
  expect(attemptsOf('flaky')).toEqual(['failed', 'failed', 'succeeded']);
  expect(attemptsOf('other')).toEqual(['failed']);
  const [first, second] = nodeOf(run, 'flaky').attempts;
  expect(Date.parse(second?.claimedAt ?? '') - Date.parse(first?.endedAt ?? '')).toBeGreaterThanOrEqual(100);
});

test(feature('timeout'), async () => {
  const play = await Play.begin(
    installation,
    'timeout',
    `workflow "timeout" {
    on "push"
    deadline "10m"
    job "step" timeout="5m" deadline="6m" { step name="Long" run="sleep 600" timeout="1s"; }
    job "job" timeout="1s" deadline="6m" { step name="Long" run="sleep 600" timeout="5m"; }
    job "all-attempts" timeout="5m" deadline="1500ms" { retry 3; step name="Long" run="sleep 600" timeout="4m"; }
    job "quick" timeout="5m" { step run="true" timeout="4m"; }
}`,
  );
  const run = await play.ended();
  const clockOf = (id: string) => {
    const { cause } = nodeOf(run, id);
    return cause?.kind === 'clock' ? cause.clock : cause?.kind;
  };
  expect(statesOf(run)).toEqual({
    step: 'timed_out',
    job: 'timed_out',
    'all-attempts': 'timed_out',
    quick: 'succeeded',
  });
  expect([clockOf('step'), clockOf('job'), clockOf('all-attempts')]).toEqual(['step', 'job', 'deadline']);

  const whole = await Play.begin(
    installation,
    'timeout-whole',
    `workflow "timeout" {
    on "push"
    deadline "2s"
    job "long" timeout="5m" { step run="sleep 600"; }
    job "later" { needs "long"; step run="true"; }
}`,
  );
  const over = await whole.ended();
  expect(over.state).toBe('failed');
  expect(over.cause).toMatchObject({ kind: 'clock', clock: 'workflow', limitMs: 2_000 });
});

test(feature('try and catch, with the error as a value'), async () => {
  const play = await Play.begin(
    installation,
    'catch',
    `workflow "catch" {
    on "push"
    job "mended" {
        step name="Break" run="exit 9"
        catch {
            step name="Read" run="echo $CI_ERROR_KIND $CI_ERROR_STEP $CI_ERROR_EXIT: $CI_ERROR_REASON"
            step name="Only nine" run="echo nine" { when "error.kind == 'exit' && error.exit == 9"; }
            step name="Only eight" run="echo eight" { when "error.exit == 8"; }
        }
    }
    job "not-mended" {
        step name="Break" run="exit 9"
        catch { step name="Also breaks" run="exit 8"; }
    }
}`,
  );
  const run = await play.ended();
  expect(statesOf(run)).toEqual({ mended: 'succeeded', 'not-mended': 'failed' });
  expect(await play.printed('mended', 2)).toBe('exit Break 9: step “Break” exited with 9\n');
  expect(nodeOf(run, 'mended').attempts[0]?.steps.map(({ state }) => state)).toEqual([
    'failed',
    'succeeded',
    'succeeded',
    'skipped',
  ]);
});

test(feature('failure as a value that flows downstream'), async () => {
  const play = await Play.begin(
    installation,
    'failure-as-value',
    `workflow "failure" {
    on "push"
    job "tried" { allow_failure; step name="Try" run="exit 3"; }
    job "on-failure" when="needs.tried.result == 'failed'" { needs "tried" on="always"; step run="echo $NEEDS_TRIED_RESULT"; }
    job "on-success" when="needs.tried.result == 'succeeded'" { needs "tried" on="always"; step run="exit 1"; }
    job "by-reason" when="needs.tried.reason.contains('exited with 3')" { needs "tried" on="always"; step run="true"; }
}`,
  );
  const run = await play.ended();
  expect([run.state, statesOf(run)]).toEqual([
    'succeeded',
    { tried: 'failed', 'on-failure': 'succeeded', 'on-success': 'skipped', 'by-reason': 'succeeded' },
  ]);
  expect(await play.printed('on-failure')).toBe('failed\n');
});
