import type { Language, Word, WordForm } from '../kdl/index.js';

export type Place = 'file' | 'host' | 'capacity' | 'pool' | 'alias';

/** A word with the line of docs/host.md that explains it. */
export interface HostWord extends Word<Place> {
  /** How its value looks; empty: it has a block, or is said alone. */
  example: string;
  meaning: string;
  /** Designed, not built: `refused` because a host without it would do something else, `left out` because it does less. */
  later?: 'refused' | 'left out';
}

function word(name: string, form: WordForm, example: string, meaning: string, more: Partial<HostWord> = {}): HostWord {
  // All are built as far as reading goes: what is said of those that are not depends on the pool.
  return { name, form, built: true, many: false, example, meaning, ...more };
}

/** Every word of the file, by the place it stands in. The reader, its suggestions and docs/host.md have no other list. */
export const words: Record<Place, readonly HostWord[]> = {
  file: [word('host', 'block', '', 'The host that this file describes. Exactly one.', { inside: 'host' })],
  host: [
    word('id', 'text', '"alder"', 'What the host is called; the first argument too. Default: the setting `host.id`.'),
    word('capacity', 'block', '', 'What all jobs together may take. What it leaves out, the settings say.', {
      inside: 'capacity',
    }),
    word('pool', 'block', '', 'Jobs that the host takes. At least one.', { many: true, inside: 'pool' }),
    word('alias', 'block', '', 'Another name of a pool of this file.', { many: true, inside: 'alias' }),
  ],
  capacity: [
    word('cpus', 'text', '8', 'Default: the setting `host.cpus`.'),
    word('memory', 'text', '"32GiB"', 'Default: the setting `host.memory`.'),
    word('slots', 'text', '8', 'Jobs at the same time, whatever they take. Default: the setting `host.slots`.'),
  ],
  pool: [
    word(
      'name',
      'text',
      '"ubuntu-22.04"',
      'What jobs say in `runs_on`; the first argument too. `default` takes those that say nothing, `*` those whose pool no live host serves.',
    ),
    word('backend', 'text', '"container"', 'How its jobs run; see below.'),
    word(
      'image',
      'text',
      '"ubuntu:22.04"',
      'The image of jobs that name none. Without it, each job must name its own.',
    ),
    word('cpus', 'text', '2', 'What one job takes, unless it says so itself. Default: 1.'),
    word(
      'memory',
      'text',
      '"4GiB"',
      'What one job takes, unless it says so itself. Default: a share, memory by slots of the capacity.',
    ),
    word('trusted_only', 'flag', '', 'Only for trusted runs. All runs are, so far: kept for when some are not.'),
    word('warm', 'text', '2', 'Workers kept ready.', { later: 'left out' }),
    word('disk', 'text', '"20GiB"', 'The disk of one job.', { later: 'left out' }),
    word('egress', 'text', '"none"', 'Which addresses jobs may reach.', { later: 'refused' }),
    word('runtime', 'text', '"runsc"', 'Another container runtime.', { later: 'refused' }),
  ],
  alias: [
    word('name', 'text', '"ubuntu-latest"', 'The other name; the first argument too.'),
    word('pool', 'text', '"ubuntu-22.04"', 'The pool that is meant; the second argument too.'),
  ],
};

/** How the jobs of a pool can run. */
export const backends = {
  container: { built: true, meaning: 'Each job in a container of its own, with a network of its own.' },
  process: {
    built: true,
    meaning: 'Each job as a group of processes, without isolation: for machines and code of your own.',
  },
  vm: { built: false, meaning: 'Each job in a virtual machine.' },
  zone: { built: false, meaning: 'Each job in an illumos zone.' },
} as const;

/** What people write who know another CI, or the settings. */
const foreignWords: Language<Place>['foreignWords'] = {
  file: { hosts: 'host', agent: 'host', runner: 'host', worker: 'host' },
  host: { name: 'id', hostname: 'id', pools: 'pool', aliases: 'alias', resources: 'capacity', limits: 'capacity' },
  capacity: { cpu: 'cpus', cores: 'cpus', ram: 'memory', mem: 'memory', jobs: 'slots', concurrency: 'slots' },
  pool: {
    id: 'name',
    type: 'backend',
    executor: 'backend',
    driver: 'backend',
    cpu: 'cpus',
    cores: 'cpus',
    ram: 'memory',
    mem: 'memory',
    trusted: 'trusted_only',
    storage: 'disk',
  },
  alias: { for: 'pool', target: 'pool', to: 'pool' },
};

export const hostLanguage: Language<Place> = {
  kind: {
    one: 'host file',
    many: 'host files',
    page: 'docs/host.md',
    listExample: 'alias "ubuntu-latest" "ubuntu-22.04"',
    tooLargeHint: 'It holds one host; what does not belong to it can go.',
    tooManyValuesHint: 'A pool is a node of its own.',
  },
  words,
  top: 'file',
  foreignWords,
  titleOf: (place) => (place === 'file' ? 'the file' : `"${place}"`),
  isPlaceBuilt: () => true,
  insideOf: (one) => one.inside,
  notAvailableHint: '',
};
