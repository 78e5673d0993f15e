import { findWord, type Language, type Word as LanguageWord, spelled, type WordForm } from '../kdl/index.js';

export type Place =
  | 'file'
  | 'workflow'
  | 'on push'
  | 'on pull_request'
  | 'on tag'
  | 'on schedule'
  | 'on comment'
  | 'on manual'
  | 'input'
  | 'concurrency'
  | 'template'
  | 'job'
  | 'step'
  | 'setup'
  | 'needs'
  | 'steps'
  | 'jobs'
  | 'matrix'
  | 'resources'
  | 'retry'
  | 'service'
  | 'ready'
  | 'fetch'
  | 'artifact'
  | 'output'
  | 'report'
  | 'cache'
  | 'place'
  | 'branch'
  | 'wait'
  | 'gate'
  | 'gate timeout'
  | 'approvers'
  | 'deploy';

export type Word = LanguageWord<Place>;

const built = (form: WordForm, ...names: string[]): Word[] =>
  names.map((name) => ({ name, form, built: true, many: false }));
const later = (form: WordForm, ...names: string[]): Word[] =>
  names.map((name) => ({ name, form, built: false, many: false }));
const many = (words: Word[]): Word[] => words.map((word) => ({ ...word, many: true }));
const holding = (inside: Place, words: Word[]): Word[] => words.map((word) => ({ ...word, inside }));

/** The modifiers of nodes; `needs` and `timeout` stand with the nodes. `which`: those that mean something there. */
const modifiers = (...which: string[]): Word[] =>
  [
    ...built('text', 'when', 'deadline', 'queue', 'silence'),
    ...built('flag', 'exclusive', 'allow_failure'),
    ...holding('retry', built('text', 'retry')),
    ...holding('place', built('list', 'place')),
    ...holding('steps', built('block', 'catch', 'finally')),
  ].filter(({ name }) => which.includes(name));
/** Of what runs on a host. */
const hostModifiers = ['queue', 'silence', 'exclusive', 'retry', 'place', 'catch', 'finally'];
const nodeModifiers = modifiers('when', 'deadline', 'allow_failure');
const jobModifiers = [...nodeModifiers, ...modifiers(...hostModifiers)];
const needs = holding('needs', many(built('list', 'needs')));
const laterNodes = many(holding('deploy', later('block', 'deploy')));
const branches = many(holding('branch', built('block', 'branch')));
const waits = many(holding('wait', built('block', 'wait')));
const gates = many(holding('gate', built('block', 'gate')));
const jobs = many(holding('job', built('block', 'job')));
const inputs = many(holding('input', built('block', 'input')));
const env = many(built('map', 'env'));
const jobWords = [
  ...built('text', 'name', 'runs_on', 'image', 'timeout', 'script'),
  ...env,
  ...needs,
  ...many(holding('setup', built('block', 'setup'))),
  ...many(holding('step', built('block', 'step'))),
  ...jobModifiers,
  ...holding('matrix', built('block', 'matrix')),
  ...holding('resources', built('block', 'resources')),
  ...many(holding('service', built('block', 'service'))),
  ...many(later('list', 'secret')),
  ...many(holding('fetch', later('block', 'fetch'))),
  ...many(holding('artifact', later('block', 'artifact'))),
  ...many(holding('cache', later('block', 'cache'))),
  ...many(holding('output', built('block', 'output'))),
  ...many(holding('report', later('block', 'report'))),
];
const paths = built('list', 'paths', 'ignore');

/** Every word of the language, by the place it stands in. The parser, its suggestions and its tests have no other list. */
export const words: Record<Place, readonly Word[]> = {
  file: holding('workflow', built('block', 'workflow')),
  workflow: [
    ...built('text', 'name'),
    // What stands inside depends on the event: see placeOfEvent.
    ...many(built('block', 'on')),
    ...env,
    ...jobs,
    ...holding('concurrency', built('block', 'concurrency')),
    ...built('text', 'deadline'),
    ...many(holding('template', built('block', 'template'))),
    ...waits,
    ...branches,
    ...gates,
    ...laterNodes,
    ...holding('jobs', built('block', 'on_failure')),
  ],
  'on push': [...built('list', 'branches'), ...paths],
  'on pull_request': [...built('list', 'branches'), ...paths],
  'on tag': built('list', 'match'),
  'on schedule': built('text', 'cron', 'timezone', 'missed'),
  'on comment': built('text', 'match'),
  'on manual': inputs,
  input: [...built('text', 'type', 'default', 'min', 'max'), ...built('list', 'options')],
  concurrency: built('text', 'group', 'policy'),
  job: [...built('text', 'id'), ...jobWords, ...built('text', 'like')],
  template: [...jobWords],
  step: [
    ...built('text', 'name', 'run', 'when', 'timeout', 'deadline', 'silence'),
    ...env,
    ...built('flag', 'allow_failure'),
  ],
  setup: built('text', 'path'),
  needs: built('text', 'on'),
  steps: many(holding('step', built('block', 'step'))),
  jobs: [...jobs, ...waits, ...branches, ...gates, ...laterNodes],
  matrix: [
    ...built('text', 'max_parallel', 'on_failure'),
    ...many(built('list', 'axis')),
    ...many(built('map', 'exclude', 'include')),
  ],
  resources: built('text', 'cpus', 'memory'),
  retry: built('text', 'on', 'backoff'),
  service: [...built('text', 'name', 'image'), ...env, ...holding('ready', built('text', 'ready'))],
  ready: built('text', 'interval', 'within'),
  fetch: later('text', 'from', 'to'),
  artifact: [...later('list', 'path'), ...later('text', 'keep')],
  output: built('text', 'file'),
  report: later('list', 'path'),
  cache: [...later('text', 'key', 'fallback'), ...later('list', 'path')],
  place: built('text', 'otherwise', 'on'),
  branch: [
    ...built('text', 'id', 'name'),
    ...needs,
    ...nodeModifiers,
    ...holding('jobs', built('block', 'then', 'else')),
  ],
  wait: [
    ...built('text', 'id', 'name', 'for'),
    ...needs,
    ...nodeModifiers,
    ...holding('matrix', built('block', 'matrix')),
  ],
  gate: [
    ...built('text', 'id', 'name', 'prompt'),
    ...needs,
    ...nodeModifiers,
    ...holding('matrix', built('block', 'matrix')),
    ...many(holding('approvers', built('list', 'approvers'))),
    ...inputs,
    ...holding('gate timeout', built('text', 'timeout')),
  ],
  'gate timeout': built('text', 'then'),
  approvers: built('text', 'count', 'exclude'),
  deploy: [
    ...later('text', 'id', 'name', 'stack', 'environment', 'timeout'),
    ...needs,
    ...jobModifiers.map((word) => ({ ...word, built: false })),
    ...many(later('list', 'set')),
  ],
};

/** The events that `on` knows, and where the words of each are listed. */
export const events: Record<string, { place: Place; built: boolean }> = {
  push: { place: 'on push', built: true },
  pull_request: { place: 'on pull_request', built: true },
  tag: { place: 'on tag', built: true },
  schedule: { place: 'on schedule', built: true },
  comment: { place: 'on comment', built: true },
  manual: { place: 'on manual', built: true },
};

/** What people write who know another CI's language. */
export const foreignWords: Partial<Record<Place, Record<string, string>>> = {
  file: { pipeline: 'workflow' },
  workflow: { trigger: 'on', triggers: 'on', when: 'on', push: 'on', environment: 'env', variables: 'env' },
  job: {
    depends_on: 'needs',
    dependencies: 'needs',
    requires: 'needs',
    pool: 'runs_on',
    agent: 'runs_on',
    tags: 'runs_on',
    container: 'image',
    environment: 'env',
    variables: 'env',
    timeout_minutes: 'timeout',
    commands: 'step',
    run: 'step',
    before_script: 'setup',
    title: 'name',
    hosts: 'place',
    node_selector: 'place',
    limits: 'resources',
    if: 'when',
    continue_on_error: 'allow_failure',
  },
  resources: { cpu: 'cpus', cores: 'cpus', mem: 'memory', ram: 'memory' },
  place: { else: 'otherwise', fallback: 'otherwise' },
  step: {
    script: 'run',
    command: 'run',
    commands: 'run',
    cmd: 'run',
    exec: 'run',
    environment: 'env',
    timeout_minutes: 'timeout',
    title: 'name',
    if: 'when',
    continue_on_error: 'allow_failure',
  },
  'on schedule': { time: 'cron', times: 'cron', tz: 'timezone', time_zone: 'timezone', zone: 'timezone' },
  gate: { message: 'prompt', reviewers: 'approvers', users: 'approvers', condition: 'when', if: 'when' },
  service: { environment: 'env', variables: 'env', health: 'ready', health_check: 'ready', healthcheck: 'ready' },
  branch: { if: 'when', condition: 'when', otherwise: 'else', depends_on: 'needs' },
};

export function wordIn(place: Place, name: string): Word | undefined {
  return findWord(words, place, name);
}

/** Can the words of this place be used now, all the words on the way to it being built? */
export function isPlaceBuilt(place: Place): boolean {
  return builtPlaces.has(place);
}

const builtPlaces = reachable('file', new Set(['file']));

function reachable(from: Place, found: Set<Place>): Set<Place> {
  const eventPlaces = Object.values(events).filter((event) => event.built);
  const next = words[from].flatMap((word) => {
    if (!word.built) return [];
    if (word.name === 'on') return eventPlaces.map((event) => event.place);
    return word.inside ?? [];
  });
  for (const place of next) {
    if (found.has(place)) continue;
    found.add(place);
    reachable(place, found);
  }
  return found;
}

const titles: Partial<Record<Place, string>> = {
  file: 'the file',
  steps: '"catch" and "finally"',
  jobs: '"then", "else" and "on_failure"',
};

/** Nodes of the graph to which what is said of hosts and attempts does not fit, and what to do. */
const hostless: Partial<Record<Place, string>> = {
  branch: 'Say it of the jobs that stand in it; how long all of them together may take is its deadline="…".',
  wait: 'It belongs in "job" or "template"; how long a wait may take is its for="…".',
  gate: 'It belongs in "job" or "template"; how long people have is its timeout "24h" then="reject".',
};

export const workflowLanguage: Language<Place> = {
  kind: {
    one: 'workflow',
    many: 'workflows',
    page: 'docs/workflow.md',
    listExample: 'branches "main" "release/*"',
    tooLargeHint: 'Move scripts into files of their own.',
    tooManyValuesHint: 'Move data into files of the repository.',
    upgradeHint: '"cidev fmt --upgrade" rewrites it.',
  },
  words,
  top: 'file',
  foreignWords,
  titleOf: (place) => (place.startsWith('on ') ? `on "${place.slice(3)}"` : (titles[place] ?? `"${place}"`)),
  isPlaceBuilt,
  insideOf: (word, event) =>
    word.inside ?? (word.name === 'on' ? events[spelled(String(event ?? ''))]?.place : undefined),
  elsewhere: (place, name) => {
    const hint = hostless[place];
    if (hint === undefined || !(name === 'timeout' || hostModifiers.includes(name))) return undefined;
    return { message: `"${name}" does not belong in "${place}": nothing of it runs on a host`, hint };
  },
  notAvailableHint: 'It is part of the language, but this version cannot run it, and a workflow with it is refused.',
};
