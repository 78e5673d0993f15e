import { type Job, parseWorkflow } from '@solstice/common/workflow';
import { describe, expect, it } from 'vitest';
import { describeDuration } from './describe-duration.js';
import { describeWorkflow, inOrder } from './describe-workflow.js';

const text = `workflow name="CI" {
    on "push" branches="main release/*"
    env MODE="ci"
    job id="package" name="Package it" {
        needs "build"
        resources cpus=2 memory="1.5GiB"
        place "alder" "birch" otherwise="any" on="any"
        exclusive
        step run="""
            set -e
            ./package.sh
            """
    }
    job id="build" runs_on="linux" image="rust:1.79" timeout="1h30m" {
        setup path="ci/setup.sh"
        step name="Build" run="cargo build" timeout="20m" { env STRIP="yes"; }
    }
}`;

describe('describeWorkflow', () => {
  it('shows the graph in an order in which it can run', () => {
    const { workflow } = parseWorkflow(text, { file: '.solstice/ci.kdl' });
    if (workflow === undefined) throw new Error('the test has a bad workflow');
    expect(describeWorkflow(workflow, { color: false })).toBe(`CI  .solstice/ci.kdl
  on push to main, release/*
  env      MODE=ci

build
  pool     linux
  image    rust:1.79
  timeout  1h 30m
  1. setup  ci/setup.sh
  2. Build  cargo build  (timeout 20m)
     env      STRIP=yes

package  Package it
  needs    build
  pool     default
  takes    2 cpus, 1.5 GiB
  place    alder, then birch, otherwise any host, also after a failure
           exclusive: never two at once
  1. set -e  set -e … (2 lines)
`);
  });
});

it('shows the cells of a matrix, waits, and what follows a failure', () => {
  const { workflow } = parseWorkflow(
    `workflow name="CI" {
    on "push"
    job id="test" deadline="1h" {
        matrix max_parallel=2 on_failure="cancel" {
            axis "os" "linux" "illumos"
            include os="zos" { allow_failure; }
        }
        retry 2 backoff="1s..1m"
        step run="make test" silence="5m" { allow_failure; }
        catch { step run="./look.sh"; }
        finally { step run="./stop.sh"; }
        output "version" file="version.txt"
    }
    wait id="soak" for="15m" { needs "test" on="failed"; }
    job id="report" { needs "soak" on="always"; step run="make report"; }
}`,
    { file: 'ci.kdl' },
  );
  if (workflow === undefined) throw new Error('the test has a bad workflow');
  expect(describeWorkflow(workflow, { color: false })).toBe(`CI  ci.kdl
  on push to any branch

test
  matrix   3 cells of os, 2 at once, the first failure ends the others
           test.linux
           test.illumos
           test.zos (may fail)
  pool     default
  retry    2 times, for failed, timeout, after 1s to 1m
  deadline 1h
  output   version from version.txt
  1. make test  (silence 5m, may fail)
  if they fail:
  2. ./look.sh
  at the end:
  3. ./stop.sh

soak
  needs    test (if it fails)
  waits    15m

report
  needs    soak (however it ends)
  pool     default
  1. make report
`);
});

it('shows gates, services, schedules and the group', () => {
  const { workflow } = parseWorkflow(
    `workflow name="CI" {
    on "schedule" cron="30 2 * * mon-fri" timezone="Europe/Zurich" missed="skip"
    on "schedule" cron="0 0 1 * *"
    concurrency group="\${branch}" policy="supersede"
    gate id="release" name="Release" {
        needs "test"
        prompt "Ship \${short_sha}?"
        approvers "team:release" "user:ada" count=2 exclude="author"
        input "replicas" type="int" default=4 min=2 max=12
        timeout "24h" then="approve"
    }
    gate id="any" { needs "release"; allow_failure; deadline "2d"; matrix { axis "region" "eu" "us"; }; }
    job id="test" {
        service "postgres" image="postgres:16" {
            env POSTGRES_PASSWORD="ci"
            ready "pg_isready"
        }
        step run="make test"
    }
}`,
    { file: 'ci.kdl' },
  );
  if (workflow === undefined) throw new Error('the test has a bad workflow');
  expect(describeWorkflow(workflow, { color: false })).toBe(`CI  ci.kdl
  on schedule 30 2 * * mon-fri (Europe/Zurich), not when it was missed
  on schedule 0 0 1 * * (UTC)
  group    \${branch}: a newer one ends the older

test
  pool     default
  service  postgres, postgres:16
    env      POSTGRES_PASSWORD=ci
    ready by pg_isready, every 2s for 1m
  1. make test

release  Release
  needs    test
  asks     Ship \${short_sha}?
  approves 2 of team:release, user:ada, not the author
  input    replicas (a whole number from 2 to 12; 4 if left out)
  timeout  1d, then approve

any
  needs    release
  matrix   2 cells of region
           any.eu
           any.us
  approves one of whoever may operate
           may fail
  deadline 2d
`);
});

it('shows conditions, branches with what stands in them, and what follows a failure', () => {
  const { workflow } = parseWorkflow(
    `workflow name="CI" {
    on "push"
    deadline "2h"
    job id="after" { needs "channel"; when "needs.channel.outputs.taken == 'then'"; step run="true" deadline="1m" when="1 < 2"; }
    on_failure { job id="tell" { step run="./tell.sh"; }; }
    branch id="channel" name="Which" when="glob(tag, 'v*')" deadline="1h" {
        needs "test" on="always"
        allow_failure
        then {
            job id="publish" { needs "soak"; step run="make publish"; }
            wait id="soak" for="1m" when="branch != ''"
        }
        else { branch id="main" when="branch == 'main'" { then { job id="nightly" { step run="make nightly"; }; }; }; }
    }
    job id="test" { step run="make test"; }
}`,
    { file: 'ci.kdl' },
  );
  if (workflow === undefined) throw new Error('the test has a bad workflow');
  expect(describeWorkflow(workflow, { color: false })).toBe(`CI  ci.kdl
  on push to any branch
  deadline 2h

test
  pool     default
  1. make test

channel  Which
  needs    test (however it ends)
  if       glob(tag, 'v*')
  then     soak, publish
  else     main
           may fail
  deadline 1h

soak
  in       channel, then
  when     branch != ''
  waits    1m

publish
  needs    soak
  in       channel, then
  pool     default
  1. make publish

main
  in       channel, else
  if       branch == 'main'
  then     nightly

nightly
  in       main, then
  pool     default
  1. make nightly

after
  needs    channel
  when     needs.channel.outputs.taken == 'then'
  pool     default
  1. true  (when 1 < 2, deadline 1m)

tell
  in       on_failure
  pool     default
  1. ./tell.sh
`);
});

it('inOrder: after what is needed, else as in the file', () => {
  const job = (id: string, ...needs: string[]): Job => ({
    id,
    name: id,
    env: {},
    needs,
    setup: [],
    steps: [],
    span: { line: 1, column: 1, endLine: 1, endColumn: 1 },
  });
  const order = inOrder([job('d', 'b', 'c'), job('c', 'a'), job('b', 'a'), job('a'), job('e')]);
  expect(order.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd', 'e']);
});

it.each([
  [0, '0s'],
  [1, '1ms'],
  [90_000, '1m 30s'],
  [2_700_000, '45m'],
  [93_784_005, '1d 2h 3m 4s 5ms'],
])('describeDuration %s: %s', (durationMs, described) => expect(describeDuration(durationMs)).toBe(described));
