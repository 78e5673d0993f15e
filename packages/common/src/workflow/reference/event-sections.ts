import { runNames } from '../expression-names.js';
import type { Section } from './section.js';

const job = '\n    job id="test" { step run="make test"; }\n';
const paths = {
  branches: 'Patterns for the name of the branch; all branches if left out.',
  paths: 'Patterns for changed files, from the root of the repository: one of them must fit.',
  ignore: 'Patterns for files that do not count: what changes only these starts nothing.',
};

/** What starts a workflow. */
export const eventSections: Section[] = [
  {
    title: '`workflow`',
    text: 'One in a file.',
    places: [
      { place: 'file', words: { workflow: 'The workflow, with its name.' } },
      {
        place: 'workflow',
        words: {
          name: 'Required, one line, at most 100 characters; two files of one commit may not have the same. It is what the check is called, so it has no expressions.',
          on: 'What starts it; several are alternatives.',
          env: 'Variables for all its steps: [env](#env).',
          job: 'What it does: [job](#job).',
          template: 'What several jobs have in common: [template and like](#template-and-like).',
          wait: 'Time that passes: [wait](#wait).',
        },
      },
    ],
    examples: [
      {
        kdl: `workflow name="CI" {
    on "push" branches="main release/*"
    env MODE="ci"
    template "go" { image "golang:1.24"; }
    job id="test" like="go" { step run="go test ./..."; }
    wait id="soak" for="10m" { needs "test"; }
}
`,
        nodes: { test: { image: 'golang:1.24', env: { MODE: 'ci' } }, soak: { kind: 'wait', forMs: 600_000 } },
      },
    ],
  },
  {
    title: '`on "push"`',
    text: 'Pushes to branches. In patterns, `*` is any run of characters but `/`, `**` any run at all, `?` one character. Deleted branches start nothing.',
    places: [{ place: 'on push', words: paths }],
    after:
      'What changed is found by comparing with what was there before. Where that cannot be told (a new branch, a forge that does not say), the workflow runs.',
    examples: [
      {
        kdl: `workflow name="CI" {\n    on "push" branches="main release/*" paths="src/** Cargo.lock" ignore="**/*.md"${job}}\n`,
        workflow: {
          on: [
            { event: 'push', branches: ['main', 'release/*'], paths: ['src/**', 'Cargo.lock'], ignore: ['**/*.md'] },
          ],
        },
      },
    ],
  },
  {
    title: '`on "pull_request"`',
    text: 'A pull request is opened, or gets new commits. `branches`: those that are merged into.',
    places: [{ place: 'on pull_request', words: paths }],
    examples: [
      {
        kdl: `workflow name="Review" {\n    on "pull_request" branches="main" paths="src/**" ignore="src/docs/**"${job}}\n`,
        workflow: { on: [{ event: 'pull_request', branches: ['main'], paths: ['src/**'], ignore: ['src/docs/**'] }] },
      },
    ],
  },
  {
    title: '`on "tag"`',
    text: 'A tag is pushed.',
    places: [{ place: 'on tag', words: { match: 'Patterns for its name; all tags if left out.' } }],
    examples: [
      {
        kdl: `workflow name="Release" {\n    on "tag" match="v*"\n    job id="ship" name="Ship \${tag}" { step run="make ship"; }\n}\n`,
        workflow: { on: [{ event: 'tag', match: ['v*'] }] },
        values: { tag: 'v1.2' },
        nodes: { ship: { name: 'Ship v1.2' } },
      },
    ],
  },
  {
    title: '`on "comment"`',
    text: 'Somebody who may write to the repository comments on a pull request.',
    places: [
      { place: 'on comment', words: { match: 'Required: the first line of the comment, or what it begins with.' } },
    ],
    examples: [
      {
        kdl: `workflow name="Bench" {\n    on "comment" match="/bench"${job}}\n`,
        workflow: { on: [{ event: 'comment', match: '/bench' }] },
      },
    ],
  },
  {
    title: '`on "manual"`',
    text: 'By hand, `ciadm trigger`, with inputs. Steps read them as `INPUT_<NAME>`, expressions as `inputs.<name>`. Started otherwise, a run has the defaults.',
    places: [
      { place: 'on manual', words: { input: 'A value that who starts it may say.' } },
      {
        place: 'input',
        words: {
          type: '`string` (if left out), `int` or `bool`.',
          default: 'What it is when nobody says it; without one it has to be said.',
          options: 'The values that there are.',
          min: 'Of an `int`: the least.',
          max: 'Of an `int`: the most.',
        },
      },
    ],
    examples: [
      {
        kdl: `workflow name="Deploy" {
    on "manual" {
        input "level" default="info" options="info debug"
        input "replicas" type="int" default=2 min=1 max=9
    }
    job id="deploy" name="Deploy \${inputs.replicas} at \${inputs.level}" { step run="./deploy.sh --level $INPUT_LEVEL"; }
}
`,
        values: { 'inputs.level': 'debug', 'inputs.replicas': 3 },
        nodes: { deploy: { name: 'Deploy 3 at debug' } },
      },
    ],
  },
  {
    title: 'Expressions',
    text: `\`\${…}\` stands for a value in names (but not the workflow's), \`runs_on\`, \`image\` and the values of \`env\`. Inside is [CEL](https://cel.dev):
\`\${matrix.os}\`, \`\${branch == 'main' ? 'release' : 'test'}\`, \`\${branch.lowerAscii()}\`. It is evaluated when the run is made. Names and types are checked with the file.
\`$\${\` is \`\${\` itself. Loops and \`matches\` are refused, so that no expression takes long.

| name | value |
|---|---|
${Object.entries(runNames)
  .map(([name, meaning]) => `| \`${name}\` | ${meaning} |`)
  .join('\n')}
| \`inputs.<name>\` | An input of \`on "manual"\`, with its type. |
| \`matrix.<axis>\` | In a job with a [matrix](#matrix): the value of this cell. |
| \`runs_on\` | In a job, but not in \`runs_on\` itself: its pool. |

What the event has nothing for is the empty text: \`tag\` of a push to a branch.`,
    after:
      "**Never in a script.** There `${NAME}` is the shell's own. Scripts read variables: `$MATRIX_OS`, `$INPUT_LEVEL`, `$NEEDS_BUILD_VERSION`, `$CI_COMMIT` ([environment.md](environment.md)). A dotted name is an error, because no shell variable is called that:",
    examples: [
      {
        kdl: `workflow name="CI" {
    on "push"
    job id="build" runs_on="linux" image="rust:\${branch == 'main' ? '1.79' : 'nightly'}" {
        env CHANNEL="\${runs_on}-\${short_sha}" LITERAL="$\${HOME}"
        step name="Build \${branch}" run="./build.sh \${HOME}"
    }
}
`,
        values: { branch: 'main', short_sha: 'c0ffee0' },
        nodes: {
          build: {
            image: 'rust:1.79',
            env: { CHANNEL: 'linux-c0ffee0', LITERAL: '${HOME}' },
            steps: [{ name: 'Build main', env: {}, action: { kind: 'run', script: './build.sh ${HOME}' } }],
          },
        },
      },
      {
        kdl: `workflow name="CI" {
    on "push"
    job id="build" {
        step run="./build.sh \${matrix.os}"
    }
}
`,
        told: 'error dotted-name-in-run',
      },
    ],
  },
];
