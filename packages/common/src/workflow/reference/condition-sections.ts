import { conditionFunctions } from '../../expressions/index.js';
import { errorNames, results } from '../condition-names.js';
import { type Section, withJobs } from './section.js';

const list = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');

/** What runs only if something is so. */
export const conditionSections: Section[] = [
  {
    title: 'Conditions',
    text: `\`when\` of a job, a wait, a gate or a step: it runs only if the condition is true, and is *skipped* else, which holds nothing
else up. A condition is [CEL](https://cel.dev) as a whole, without \`\${…}\`, and is true or false. That of a node is judged when all that it needs has
ended; that of a step, by the runner, when it is the step's turn. It may read the names of [expressions](#expressions), and:

| name | value |
|---|---|
| \`needs.<id>.result\` | How what it needs ended: ${list(results)}. Of several (a matrix, a branch) the worst, in the order \`failed\`, \`timed_out\`, \`cancelled\`, \`succeeded\`, \`skipped\`. |
| \`needs.<id>.reason\` | Why, in words. |
| \`needs.<id>.outputs.<name>\` | An output, a text; the empty text if nobody set it. Of several what they agree on. |
| \`gates.<id>.<input>\` | What was said to a gate that comes before, with its type. |
${Object.entries(errorNames)
  .map(([name, meaning]) => `| \`${name}\` | In steps of \`catch\` and \`finally\`: ${lower(meaning)} |`)
  .join('\n')}

Functions: ${list(conditionFunctions)}. \`glob(tag, 'v*')\`: does a text fit a pattern? \`changed('src/**')\`: did a file that fits change with what started the run?
Where that cannot be told (by hand, for a tag, on a schedule, at a first push), it counts as changed. Ids with a dash are written \`needs['unit-tests'].result\`.`,
    after:
      'What a condition reads of a job, its own job has to need: else it could be read before it is there. Names, types, results and outputs are checked with the file. A condition that cannot be judged after all, as with a division by zero, is a failure of its job or step.',
    examples: [
      {
        kdl: withJobs(`
job id="unit-tests" {
    step run="make test"
    step run="make coverage" when="branch == 'main' && changed('src/**')"
    output "version" file="version.txt"
    catch { step run="./cores.sh" when="error.kind == 'signal'"; }
}
job id="publish" {
    needs "unit-tests"
    when "glob(tag, 'v*') && needs['unit-tests'].outputs.version != ''"
    step run="./publish.sh"
}
job id="bisect" {
    needs "unit-tests" on="always"
    when "needs['unit-tests'].result in ['failed', 'timed_out']"
    step run="./bisect.sh"
}
wait id="soak" for="5m" when="pull_request.number > 0" {
    matrix { axis "place" "here" "there"; }
    needs "unit-tests"
}`),
        values: { branch: 'main' },
        nodes: {
          'unit-tests': {
            steps: [{ name: 'make test' }, { when: "branch == 'main' && changed('src/**')" }],
            catch: [{ when: "error.kind == 'signal'" }],
          },
          publish: { when: "glob(tag, 'v*') && needs['unit-tests'].outputs.version != ''" },
          bisect: { needsOn: { 'unit-tests': 'always' } },
          'soak.here': { when: 'pull_request.number > 0' },
          'soak.there': {},
        },
        run: { changed: { 'src/**': true }, values: { branch: 'main', tag: '', 'pull_request.number': 0 } },
      },
      {
        text: 'Read, and not needed:',
        told: 'error bad-condition',
        kdl: withJobs(`
job id="test" { step run="make test"; }
job id="report" when="needs.test.result == 'failed'" { step run="./report.sh"; }`),
      },
    ],
  },
  {
    title: '`branch`',
    text: 'Decides once, by its condition, which of its two sides goes on. What stands on the other side is skipped, which holds nothing else up.',
    places: [
      {
        place: 'branch',
        words: Object.fromEntries([
          ['id', 'Required, as of a job, with which it shares its names.'],
          ['name', 'What people read.'],
          ['when', 'Required, the condition: [conditions](#conditions).'],
          ['then', 'Required: what runs if it is true.'],
          ['else', 'What runs if it is not.'],
          ['needs', 'What comes before the decision.'],
          ['deadline', 'How long all that stands in it may take together, from the decision on.'],
          [
            'allow_failure',
            'If the condition cannot be judged, the run does not fail by it, and what needs it goes on.',
          ],
        ]),
      },
      {
        place: 'jobs',
        words: {
          job: 'As in the workflow, like all the others; they share its names.',
          wait: '',
          branch: '',
          gate: '',
        },
      },
    ],
    after: `What stands in a branch waits for its decision without a word about it, and may need what stands outside. Whoever needs the branch from outside needs all that stands in it; a job in
it can be needed by its own id too. What stands on one side cannot need what stands on the other. \`needs.<id>.outputs.taken\` is \`then\` or \`else\`.`,
    examples: [
      {
        kdl: withJobs(`
job id="test" { step run="make test"; }
branch id="channel" name="Release or not" when="glob(tag, 'v*')" deadline="1h" {
    needs "test"
    allow_failure
    then {
        gate id="sure" timeout="1h"
        job id="publish" { needs "sure"; step run="make publish"; }
    }
    else {
        branch id="main" when="branch == 'main'" {
            then { job id="nightly" { step run="make nightly"; } }
        }
        wait id="rest" for="1m" { needs "main"; }
    }
}
job id="after" {
    needs "channel"
    when "needs.channel.outputs.taken == 'then'"
    step run="./after.sh"
}`),
        nodes: {
          test: {},
          channel: {
            kind: 'branch',
            needs: ['test'],
            when: "glob(tag, 'v*')",
            deadlineMs: 3_600_000,
            allowFailure: true,
          },
          sure: { kind: 'gate', needs: ['channel'], branch: { id: 'channel', side: 'then' } },
          publish: { needs: ['channel', 'sure'], branch: { id: 'channel', side: 'then' } },
          main: { kind: 'branch', needs: ['channel'], branch: { id: 'channel', side: 'else' } },
          nightly: { needs: ['main'], branch: { id: 'main', side: 'then' } },
          rest: { needs: ['channel', 'main', 'nightly'] },
          after: { needs: ['channel', 'sure', 'publish', 'main', 'nightly', 'rest'] },
        },
      },
    ],
  },
  {
    title: '`on_failure`',
    text: 'What runs when all else has ended and something failed, or the deadline of the workflow has passed. It looks on: whatever becomes of it, the result of the run is what it was. After a cancel it does not run.',
    after:
      'What stands in it may need what stands outside, to read its outputs: `needs "test" on="always"`, since only `always` and `failed` are content with a failure. Nothing outside can need what stands in it.',
    examples: [
      {
        kdl: withJobs(`
deadline "2h"
job id="test" { step run="make test"; }
on_failure {
    job id="tell" {
        needs "test" on="always"
        step run="./tell.sh $NEEDS_TEST_RESULT"
    }
}`),
        nodes: { test: {}, tell: { onFailure: true, needs: ['test'], needsOn: { test: 'always' } } },
        run: { deadlineMs: 7_200_000 },
      },
    ],
  },
];

function lower(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
