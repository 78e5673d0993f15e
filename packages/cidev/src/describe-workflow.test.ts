import { type Job, parseWorkflow } from '@solstice/common/workflow';
import { describe, expect, it } from 'vitest';
import { describeDuration, describeWorkflow, inOrder } from './describe-workflow.js';

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
