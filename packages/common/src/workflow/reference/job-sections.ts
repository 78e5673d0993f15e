import { type Section, withJobs } from './section.js';

/** What a workflow does. */
export const jobSections: Section[] = [
  {
    title: '`job`',
    text: '',
    places: [
      {
        place: 'job',
        words: {
          id: 'Required: letters, digits, `_`, `-`. A `name` that would do as an id is one.',
          name: 'What people read; the id if left out.',
          runs_on: 'The pool of hosts; `default` if left out.',
          image: 'The container image.',
          like: 'The template that it begins with: [template and like](#template-and-like).',
          matrix: 'The job once for each cell: [matrix](#matrix).',
          env: 'Variables for all its steps: [env](#env).',
          needs: 'What comes before: [needs](#needs).',
          when: 'It runs only if this is so: [conditions](#conditions).',
          allow_failure: 'It may fail: the run does not fail by it, and what needs it goes on.',
          retry: 'Further attempts: [retry](#retry).',
          timeout: 'How long an attempt may take: [clocks](#clocks).',
          deadline: 'How long all attempts together may take.',
          queue: 'How long an attempt may wait for a host.',
          silence: 'How long its steps may say nothing.',
          resources: 'What it takes of its host: [resources](#resources).',
          place: 'The hosts it may run on: [place](#place).',
          exclusive: 'Never two at once: [exclusive](#exclusive).',
          service: 'A container beside it, such as a database: [service](#service).',
          setup: 'A script of the repository, run before the steps. If it fails, the job fails.',
          step: 'What is run, one after the other; the first that fails ends the job: [step](#step).',
          script: 'A file of the repository that is the one step, in place of `step`s.',
          catch: 'Steps for when it fails: [catch and finally](#catch-and-finally).',
          finally: 'Steps for the end, whatever came before.',
          output: 'A value for jobs that need it: [output](#output).',
        },
      },
      { place: 'setup', words: { path: 'The script; the first argument says it too.' } },
    ],
    after: 'Jobs that do not need each other run at the same time.',
    examples: [
      {
        kdl: withJobs(`
job id="build" name="Build it" runs_on="linux" image="rust:1.79" {
    setup path="ci/setup.sh"
    env MODE="ci"
    step name="Build" run="cargo build --release"
}
job id="lint" script="ci/lint.sh" { allow_failure; }
job id="package" {
    needs "build" "lint"
    step name="Package" {
        env STRIP="yes"
        run """
            set -e
            ./ci/package.sh --mode "$MODE"
            ls -l "\${OUT:-dist}"
            """
    }
}`),
        nodes: {
          build: {
            name: 'Build it',
            runsOn: 'linux',
            image: 'rust:1.79',
            steps: [
              { name: 'setup: ci/setup.sh', env: {}, action: { kind: 'script', path: 'ci/setup.sh' } },
              { name: 'Build', env: {}, action: { kind: 'run', script: 'cargo build --release' } },
            ],
          },
          lint: {
            allowFailure: true,
            steps: [{ name: 'ci/lint.sh', env: {}, action: { kind: 'script', path: 'ci/lint.sh' } }],
          },
          package: { needs: ['build', 'lint'] },
        },
      },
    ],
  },
  {
    title: '`step`',
    text: '',
    places: [
      {
        place: 'step',
        words: {
          run: 'The script, required. `/bin/sh -e` runs it: the first command in it that fails ends the step. `set +e` takes that back.',
          name: 'What people read; the first line of the script if left out.',
          env: 'Variables for this step.',
          when: 'It runs only if this is so: [conditions](#conditions).',
          timeout: 'How long it may take.',
          deadline: 'How long it may take in all attempts of the job together.',
          silence: 'How long it may say nothing.',
          allow_failure: 'Its failure is shown, and the next step goes on.',
        },
      },
    ],
    examples: [
      {
        kdl: withJobs(`
job id="test" {
    step name="Unit" run="make test" timeout="10m" silence="2m" deadline="30m"
    step name="Coverage" run="make coverage" {
        allow_failure
        env FORMAT="lcov"
    }
}`),
        nodes: {
          test: {
            steps: [
              {
                name: 'Unit',
                env: {},
                timeoutMs: 600_000,
                silenceMs: 120_000,
                deadlineMs: 1_800_000,
                action: { kind: 'run', script: 'make test' },
              },
              {
                name: 'Coverage',
                env: { FORMAT: 'lcov' },
                allowFailure: true,
                action: { kind: 'run', script: 'make coverage' },
              },
            ],
          },
        },
      },
    ],
  },
  {
    title: '`env`',
    text: 'At the workflow, a template, a job or a step; the inner one wins. Values are texts, which may have [expressions](#expressions); whole numbers may go without quotes.',
    examples: [
      {
        kdl: withJobs(`
env PORT=8080 MODE="ci"
job id="test" {
    env {
        MODE "test on \${branch}"
    }
    step run="./serve.sh --port $PORT" { env PORT=9090; }
}`),
        values: { branch: 'main' },
        nodes: {
          test: {
            env: { PORT: '8080', MODE: 'test on main' },
            steps: [
              {
                name: './serve.sh --port $PORT',
                env: { PORT: '9090' },
                action: { kind: 'run', script: './serve.sh --port $PORT' },
              },
            ],
          },
        },
      },
    ],
  },
  {
    title: '`needs`',
    text: 'What must come before: `needs "build" "lint"`. A job with a matrix is needed as all its cells, a [branch](#branch) as all that stands in it. If one of them fails, this one is skipped, and so is what needs this one.',
    places: [
      {
        place: 'needs',
        words: {
          on: '`always`: however it ended. `failed`: only if it failed; of a matrix, if one of its cells did.',
        },
      },
    ],
    after: '`on` is said of all that stand in its line. Steps read what became of it as `NEEDS_<ID>_RESULT`.',
    examples: [
      {
        kdl: withJobs(`
job id="test" { step run="make test"; }
job id="report" {
    needs "test" on="always"
    step run="./report.sh $NEEDS_TEST_RESULT"
}
job id="bisect" {
    needs "test" on="failed"
    step run="./bisect.sh"
}`),
        nodes: {
          test: {},
          report: { needs: ['test'], needsOn: { test: 'always' } },
          bisect: { needs: ['test'], needsOn: { test: 'failed' } },
        },
      },
    ],
  },
  {
    title: '`matrix`',
    text: 'The job once for each cell: each value of an axis with each value of the others, without what is excluded, and then what is included.',
    places: [
      {
        place: 'matrix',
        words: {
          axis: 'Its name, then its values, as they are: `axis "os" "linux" "illumos"`. At most 8.',
          exclude: 'Takes out all cells with these values.',
          include:
            'One more cell, with a value for each axis; `{ allow_failure; }` lets it fail. Of a cell that is there it says just that.',
          max_parallel: 'How many cells may run at once; all if left out.',
          on_failure: '`continue` (if left out), or `cancel`: the first cell that fails ends the others.',
        },
      },
    ],
    after:
      'Steps read `MATRIX_<AXIS>`, expressions `matrix.<axis>`. A cell is called `test (linux, stable)`, unless the name of the job says `${matrix.…}` itself, and its id is `test.linux.stable`. `needs "test"` means all cells.',
    examples: [
      {
        kdl: withJobs(`
job id="test" {
    matrix max_parallel=2 on_failure="cancel" {
        axis "os" "linux" "illumos"
        axis "rust" "stable" "1.79"
        exclude os="illumos" rust="1.79"
        include os="linux" rust="nightly" { allow_failure; }
    }
    runs_on "\${matrix.os}"
    image "rust:\${matrix.rust}"
    step run="cargo test --features $MATRIX_OS"
}`),
        nodes: {
          'test.linux.stable': {
            name: 'test (linux, stable)',
            runsOn: 'linux',
            image: 'rust:stable',
            matrix: { group: 'test', cell: { os: 'linux', rust: 'stable' } },
          },
          'test.linux.1.79': { name: 'test (linux, 1.79)' },
          'test.illumos.stable': { runsOn: 'illumos' },
          'test.linux.nightly': { allowFailure: true },
        },
        run: { groups: { test: { maxParallel: 2, onFailure: 'cancel' } } },
      },
    ],
  },
  {
    title: '`template` and `like`',
    text: `\`template "name"\` has the words of a job, but for \`id\`, \`name\` and \`like\`. A job that is \`like\` it begins with them:

- **What is said once** (\`runs_on\`, \`image\`, clocks, \`retry\`, \`matrix\`, \`resources\`, \`place\`, \`catch\`, \`finally\`, …): the job's own, whole, in place of the template's. A flag is taken back with \`exclusive #false\`.
- **What has a name** (variables, steps, outputs, services, needs): put together. The job's stands in the place of the template's of the same name; all else comes after it.
- \`setup\`: the template's, then the job's. A job with a \`script\` has no steps of the template.

Expressions in a template are those of the job: \`\${matrix.rust}\` is the job's cell.`,
    places: [
      {
        place: 'template',
        words: {
          name: 'Its name; the first argument says it too.',
          runs_on: 'As in a job, like all that follows.',
          ...Object.fromEntries(
            [
              ...[
                'image',
                'when',
                'timeout',
                'script',
                'env',
                'needs',
                'setup',
                'step',
                'deadline',
                'queue',
                'silence',
                'exclusive',
              ],
              ...['allow_failure', 'retry', 'place', 'catch', 'finally', 'matrix', 'resources', 'output', 'service'],
            ].map((word) => [word, '']),
          ),
        },
      },
    ],
    examples: [
      {
        kdl: withJobs(`
template "rust" runs_on="linux" timeout="1h" {
    image "rust:1.79"
    env CARGO_TERM_COLOR="always" RUST_BACKTRACE=0
    step name="Build" run="cargo build"
    step name="Test" run="cargo test"
}
job id="plain" like="rust"
job id="release" like="rust" timeout="2h" {
    env RUST_BACKTRACE=1
    step name="Test" run="cargo test --release"
    step name="Publish" run="cargo publish"
}`),
        nodes: {
          plain: { runsOn: 'linux', timeoutMs: 3_600_000, env: { CARGO_TERM_COLOR: 'always', RUST_BACKTRACE: '0' } },
          release: {
            runsOn: 'linux',
            timeoutMs: 7_200_000,
            env: { CARGO_TERM_COLOR: 'always', RUST_BACKTRACE: '1' },
            steps: [
              { name: 'Build', env: {}, action: { kind: 'run', script: 'cargo build' } },
              { name: 'Test', env: {}, action: { kind: 'run', script: 'cargo test --release' } },
              { name: 'Publish', env: {}, action: { kind: 'run', script: 'cargo publish' } },
            ],
          },
        },
      },
    ],
  },
];
