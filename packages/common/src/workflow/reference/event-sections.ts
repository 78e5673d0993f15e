import { runNames } from '../expression-names.js';
import { lateTextSection } from './late-text-section.js';
import { concurrencySection, scheduleSection } from './schedule-sections.js';
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
          branch: 'One of two ways on: [branch](#branch).',
          on_failure: 'What runs after a failure: [on_failure](#on_failure).',
          deadline: 'How long all of it may take together, from its first job on: [clocks](#clocks).',
          gate: 'A question to people: [gate](#gate).',
          concurrency: 'Which of its runs may go on at once: [concurrency](#concurrency).',
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
    gate id="ship" { needs "soak"; }
    concurrency group="ci" policy="queue"
}
`,
        nodes: {
          test: { image: 'golang:1.24', env: { MODE: 'ci' } },
          soak: { kind: 'wait', forMs: 600_000 },
          ship: { kind: 'gate' },
        },
      },
    ],
  },
  {
    title: '`on "push"`',
    text: 'Pushes to branches. In patterns, `*` is any run of characters but `/`, `**` any run at all, `?` one character; `src/**/a` fits `src/a` too. Deleted branches start nothing.',
    places: [{ place: 'on push', words: paths }],
    after:
      'What changed is found by comparing, with the forge or with git: with what was there before; a new branch with what the default branch has; of a forced push also what it took away. Where that cannot be told (the first push of all, a commit that is gone, more files than the forge lists: 300 on GitHub), the workflow runs, and the delivery says why.',
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
    text: 'A pull request is opened or reopened, gets new commits, or is to be merged into another branch. `branches`: those that are merged into. What runs is its head, not its merge with the base; its check is on the head.',
    places: [{ place: 'on pull_request', words: paths }],
    after:
      'Changed is what its head has since it left the base. **Only pull requests from a branch of the repository itself run**: what comes from a fork, or from no branch (AGit), is ignored with the reason, because runs of code that is not trusted are not available yet. The forge is asked; what the webhook says is not believed. One that a push of its branch started too has two runs, and its check shows the newer one.',
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
    text: 'Somebody who may write to the repository comments on an open pull request, from a branch of the repository itself. The forge is asked who may write, so its token needs the right to ask (on Forgejo: administrator of the repository); where it cannot be asked, nothing runs, and the delivery says why. Edited comments count for nothing.',
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
    text: 'By hand, `ciadm trigger <repository> --workflow <name> --input <name>=<value>`. Steps read them as `INPUT_<NAME>`, expressions as `inputs.<name>`. Started otherwise, a run has the defaults.',
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
  scheduleSection,
  concurrencySection,
  {
    title: 'Expressions',
    text: `\`\${…}\` stands for a value in names (but not the workflow's), \`runs_on\`, \`image\`, the values of \`env\`, and the prompt of a gate. Inside is [CEL](https://cel.dev):
\`\${matrix.os}\`, \`\${branch == 'main' ? 'release' : 'test'}\`, \`\${branch.lowerAscii()}\`. It is evaluated when the run is made, or, where it reads [what earlier nodes gave](#texts-that-read-what-earlier-nodes-gave), when its node begins. Names and types are checked with the file.
\`$\${\` is \`\${\` itself. Loops and \`matches\` are refused, so that no expression takes long. What runs only if something is so says it with [\`when\`](#conditions).

| name | value |
|---|---|
${Object.entries(runNames)
  .map(([name, meaning]) => `| \`${name}\` | ${meaning} |`)
  .join('\n')}
| \`inputs.<name>\` | An input of \`on "manual"\`, with its type. |
| \`matrix.<axis>\` | In a job with a [matrix](#matrix): the value of this cell. |
| \`runs_on\` | In a job, but not in \`runs_on\` itself: its pool. |

What the event has nothing for is the empty text, or 0: \`tag\` of a push to a branch.`,
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
  lateTextSection,
];
