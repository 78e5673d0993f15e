import { type Section, withJobs } from './section.js';

/** Where people are asked, and what stands beside a job. */
export const gateSections: Section[] = [
  {
    title: '`gate`',
    text: 'Waits for people: `ciadm approve <run> [gate]`, `ciadm reject <run> [gate]`. It opens when all that it needs has ended. What it is told before, or after it has been decided, is refused with what it waits for, or how it was decided.',
    places: [
      {
        place: 'gate',
        words: {
          id: 'Required, as of a job, with which it shares its names.',
          name: 'What people read.',
          prompt:
            'What they are asked; it may have [expressions](#expressions), also of [what earlier nodes gave](#texts-that-read-what-earlier-nodes-gave).',
          approvers:
            'Who may decide it: `"user:ada"`, `"team:release"` (the teams are in the settings of the server). Left out: whoever may operate.',
          input:
            'What they may say with it, as of [on "manual"](#on-manual). Steps that need the gate read it as `NEEDS_<ID>_<NAME>`, conditions as `gates.<id>.<name>`.',
          timeout: 'How long it is open: `timeout "24h"`. Left out: until somebody decides.',
          needs: 'What comes before it.',
          when: 'A condition: [conditions](#conditions).',
          deadline: 'How long it may take in all.',
          allow_failure: 'When it is rejected or its time is over, what needs it goes on.',
          matrix: 'A gate for each cell: [matrix](#matrix).',
        },
      },
      {
        place: 'approvers',
        words: {
          count: 'How many different people have to approve; one if left out. Said once, of all `approvers` together.',
          exclude: '`author`: whoever caused the run may not.',
        },
      },
      {
        place: 'gate timeout',
        words: Object.fromEntries([
          [
            'then',
            '`reject` (if left out): the gate has *timed out*, which is a failure. `approve`: it is approved, with the default of each input.',
          ],
        ]),
      },
    ],
    after:
      'The first person who rejects it decides it: the gate fails. Where several have to approve, the first says the inputs, and who says others after that is told so. Of one person the last counts: who has approved may say other inputs while nobody else has approved, or reject; both are kept, and what counts is shown. Doing the same again changes nothing. A cancel of the run goes before any decision.',
    examples: [
      {
        kdl: withJobs(`
job id="build" { step run="make"; }
gate id="release" name="Release" {
    needs "build"
    when "branch == 'main'"
    prompt "Ship \${short_sha}?"
    approvers "team:release" "user:ada" count=2 exclude="author"
    input "replicas" type="int" default=4 min=2 max=12
    timeout "24h" then="reject"
}
job id="deploy" {
    needs "release"
    step run="./deploy.sh --replicas $NEEDS_RELEASE_REPLICAS"
}`),
        values: { short_sha: 'c0ffee0', branch: 'main' },
        nodes: {
          build: {},
          release: {
            kind: 'gate',
            name: 'Release',
            when: "branch == 'main'",
            needs: ['build'],
            prompt: 'Ship c0ffee0?',
            approvers: ['team:release', 'user:ada'],
            count: 2,
            exclude: 'author',
            inputs: [{ name: 'replicas', type: 'int', default: 4, min: 2, max: 12 }],
            timeoutMs: 86_400_000,
            timeoutThen: 'reject',
          },
          deploy: { needs: ['release'] },
        },
      },
      {
        text: 'A gate for each cell, which nobody has to answer:',
        kdl: withJobs(`
gate id="wave" {
    matrix { axis "region" "eu" "us"; }
    prompt "Go on in \${matrix.region}?"
    timeout "30m" then="approve"
    deadline "1d"
    allow_failure
}
job id="tell" { needs "wave"; step run="./tell.sh"; }`),
        nodes: {
          'wave.eu': {
            kind: 'gate',
            name: 'wave (eu)',
            prompt: 'Go on in eu?',
            approvers: [],
            count: 1,
            timeoutMs: 1_800_000,
            timeoutThen: 'approve',
            deadlineMs: 86_400_000,
            allowFailure: true,
          },
          'wave.us': { matrix: { group: 'wave', cell: { region: 'us' } } },
          tell: { needs: ['wave.eu', 'wave.us'] },
        },
      },
    ],
  },
  {
    title: '`service`',
    text: `A container beside the job, such as a database, for as long as an attempt: \`service "postgres" image="postgres:16"\`. The steps find it by its name, as a host: \`postgres:5432\`. The name is small letters, digits and \`-\`, at most 63, and begins with a
letter; a job has at most 16. Services need hosts whose backend makes containers; a host without one says so.`,
    places: [
      {
        place: 'service',
        words: {
          name: 'Required; the first argument says it too.',
          image: 'Required: the container image. It may have [expressions](#expressions).',
          env: 'Variables in the container; those of the job are not there.',
          ready:
            "A command run in the container, again and again until it succeeds; then the steps begin. Without it they begin when the container runs. `${NAME}` in it is the shell's own.",
        },
      },
      {
        place: 'ready',
        words: {
          interval: 'How long to wait before it is run again; `2s` if left out.',
          within: 'How long it may take until it succeeds; `1m` if left out. After that the attempt has failed.',
        },
      },
    ],
    examples: [
      {
        kdl: withJobs(`
job id="test" {
    matrix { axis "postgres" "15" "16"; }
    service name="db" image="postgres:\${matrix.postgres}" {
        env POSTGRES_PASSWORD="ci"
        ready "pg_isready -U postgres" interval="1s" within="30s"
    }
    service "cache" image="redis:7"
    step run="make test DATABASE=postgres://postgres:ci@db:5432/postgres"
}`),
        nodes: {
          'test.15': {
            services: [
              {
                name: 'db',
                image: 'postgres:15',
                env: { POSTGRES_PASSWORD: 'ci' },
                ready: { command: 'pg_isready -U postgres', intervalMs: 1_000, withinMs: 30_000 },
              },
              { name: 'cache', image: 'redis:7', env: {} },
            ],
          },
          'test.16': {},
        },
      },
    ],
  },
];
