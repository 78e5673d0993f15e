import { type Section, withJobs } from './section.js';

const twoHosts = 'place "a" "b"';

/** How jobs run, and what comes of their failures. */
export const behaviourSections: Section[] = [
  {
    title: 'Clocks',
    text: `| | of a job | of a step |
|---|---|---|
| \`timeout\` | an attempt | the step |
| \`deadline\` | all attempts together, waiting included | all times that it runs, in all attempts |
| \`queue\` | an attempt's waiting for a host | |
| \`silence\` | its steps saying nothing | the step saying nothing |

A [branch](#branch) has a \`deadline\` for all that stands in it, and the workflow one for the whole run, after which only \`on_failure\` runs.
The tightest one counts. What one of them ends has *timed out*. Durations: \`"90s"\`, \`"20m"\`, \`"1h30m"\`, at most \`"14d"\`.`,
    examples: [
      {
        kdl: withJobs(`
job id="test" timeout="45m" deadline="2h" queue="30m" silence="10m" {
    step run="make test" timeout="20m"
}`),
        nodes: { test: { timeoutMs: 2_700_000, deadlineMs: 7_200_000, queueMs: 1_800_000, silenceMs: 600_000 } },
      },
    ],
  },
  {
    title: '`retry`',
    text: 'Further attempts after the first, 1 to 10: `retry 2`.',
    places: [
      {
        place: 'retry',
        words: {
          on: 'What for: `failed` (its steps failed), `timeout`, `exit:75` (a step failed with that code), `infra`; `failed timeout` if left out.',
          backoff:
            'The shortest and the longest wait before an attempt: a random time under a bound that doubles from one to the other.',
        },
      },
    ],
    after:
      'When a worker is lost or cannot be made, that is no failure of the job: there are three attempts without a word about it, which do not count here. `infra` says how many there are, and that an `exclusive` job is tried again too. `solstice fail` in a step ends the job for good.',
    examples: [
      {
        kdl: withJobs(`
job id="test" {
    retry 2 on="infra timeout exit:75" backoff="5s..2m"
    step run="make test"
}`),
        nodes: {
          test: {
            retry: { times: 2, on: ['infra', 'timeout', 'exit:75'], backoff: { minMs: 5_000, maxMs: 120_000 } },
          },
        },
      },
    ],
  },
  {
    title: '`catch` and `finally`',
    text: '`catch` runs when the steps fail; if it succeeds, so does the job. It reads what happened as `CI_ERROR_KIND`, `CI_ERROR_REASON`, `CI_ERROR_STEP`, `CI_ERROR_EXIT`. `finally` runs at the end, whatever came before, also after a cancel, then for at most five minutes.',
    places: [{ place: 'steps', words: { step: 'As in a job.' } }],
    examples: [
      {
        kdl: withJobs(`
job id="test" {
    step run="make test"
    catch { step name="Core dumps" run="./ci/cores.sh"; }
    finally { step name="Stop" run="./ci/stop.sh"; }
}`),
        nodes: {
          test: {
            catch: [{ name: 'Core dumps', env: {}, action: { kind: 'run', script: './ci/cores.sh' } }],
            finally: [{ name: 'Stop', env: {}, action: { kind: 'run', script: './ci/stop.sh' } }],
          },
        },
      },
    ],
  },
  {
    title: '`output`',
    text: 'A value for the jobs that need this one, read from a file after the last step. Their steps have it as `NEEDS_<ID>_<NAME>`. A step can set one too: `solstice output version=1.2`.',
    places: [{ place: 'output', words: { file: 'Required: the file, from the root of the repository.' } }],
    examples: [
      {
        kdl: withJobs(`
job id="build" {
    step run="make && git describe > version.txt"
    output "version" file="version.txt"
}
job id="package" {
    needs "build"
    step run="./package.sh $NEEDS_BUILD_VERSION"
}`),
        nodes: { build: { outputs: [{ name: 'version', file: 'version.txt' }] }, package: { needs: ['build'] } },
      },
    ],
  },
  {
    title: '`wait`',
    text: 'Lets time pass after all that it needs; a restart of the server does not begin it again.',
    places: [
      {
        place: 'wait',
        words: {
          id: 'Required, as of a job, with which it shares its names.',
          name: 'What people read.',
          for: 'Required: how long.',
          needs: 'What comes before it.',
          when: 'A condition: [conditions](#conditions).',
          matrix: 'A wait for each cell: [matrix](#matrix).',
          deadline: 'How long it may take in all.',
          allow_failure: 'When its deadline ends it, what needs it goes on.',
        },
      },
    ],
    examples: [
      {
        kdl: withJobs(`
job id="deploy" { step run="./deploy.sh"; }
wait id="soak" name="Let it run" for="15m" deadline="1h" {
    needs "deploy"
    allow_failure
}
job id="check" {
    needs "soak"
    step run="./check.sh"
}`),
        nodes: {
          deploy: {},
          soak: {
            kind: 'wait',
            name: 'Let it run',
            forMs: 900_000,
            deadlineMs: 3_600_000,
            allowFailure: true,
            needs: ['deploy'],
          },
          check: { needs: ['soak'] },
        },
      },
    ],
  },
  {
    title: '`resources`',
    text: `What the job takes of its host while it has it, and may use there. What is left out is as the pool of the host has it. The job starts on a host that
has so much free. If no host is so large, it waits, and says so.

A job that has found no room anywhere for a minute has one host kept free for it: that host takes other jobs only if they
fit beside it, until it has come. So a large job is never overtaken for ever by small ones.`,
    places: [
      {
        place: 'resources',
        words: { cpus: 'A number, also `0.5`.', memory: 'A size: `"512MiB"`, `"4GiB"`; 128 MiB at least.' },
      },
    ],
    examples: [
      {
        kdl: withJobs(`
job id="link" runs_on="linux" {
    resources cpus=4 memory="16GiB"
    step run="make link"
}`),
        nodes: { link: { resources: { cpus: 4, memoryBytes: 16 * 1024 ** 3 } } },
      },
    ],
  },
  {
    title: '`place`',
    text: `Hosts by name, the best first: \`${twoHosts}\`. The job goes to the first of them that can take it: one that answers, is neither drained
nor cordoned, serves the pool, and is large enough. **If that host is busy, the job waits for it**; the next one is no
place for overflow, it is there for when the first is out of service.`,
    places: [
      {
        place: 'place',
        words: {
          otherwise: '`any`: when none of them can take it, any host of the pool. Without it, the job waits.',
          on: '`infra` (if left out): the job goes to the next host when its worker was lost or could not be made. `any`: also when its steps failed or took too long, once to each host; `otherwise="any"` counts as one more.',
        },
      },
    ],
    after: `A host where an attempt was lost is passed over for the next attempt while another one can take it. There are three
attempts after such losses, or as many as there are hosts if that is more. At most 16 hosts can be named.`,
    examples: [
      {
        kdl: withJobs(
          `
job id="bench" {
    place "helios-1" "helios-2" otherwise="any" on="any"
    step run="cargo bench"
}`,
          'Bench',
        ),
        nodes: { bench: { place: { hosts: ['helios-1', 'helios-2'], otherwise: 'any', on: 'any' } } },
      },
    ],
  },
  {
    title: '`exclusive`',
    text: `Never two at once, whatever the network does; better not run again than run twice. When the worker of an exclusive job is
lost after its steps may have begun, the job fails and says so, instead of being tried again elsewhere. Lost before it was
told to begin, it is tried again like any other.`,
    examples: [
      {
        kdl: withJobs(
          `
job id="ship" {
    exclusive
    step run="./ship.sh"
}`,
          'Ship',
        ),
        nodes: { ship: { exclusive: true } },
      },
    ],
  },
];
