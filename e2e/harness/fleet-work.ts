import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@solstice/testing';
import { expect } from 'vitest';
import type { Fleet } from './fleet.js';
import type { TestRepository } from './repository.js';

export interface JobSet {
  workflow: string;
  jobs: number;
  runsOn?: string;
  /** Each job waits until the test lets it go. */
  waits?: boolean;
  /** More lines of each job: `exclusive`. */
  more?: string[];
  /** What a step does, in sh, after it has written that it began, and before it waits. */
  before?: string;
}

/**
 * Jobs of the process backend that write down, outside of all that Solstice keeps, when they begin and when they end: so that
 * "none twice, none lost" is not only what the database says of itself.
 */
export class Ledger {
  readonly #directory: string;
  readonly #file: string;
  readonly #gate: string;
  #opened: number | undefined;

  constructor(parent: string, name: string) {
    this.#directory = join(parent, `ledger-${name}`);
    mkdirSync(this.#directory);
    this.#file = join(this.#directory, 'lines');
    this.#gate = join(this.#directory, 'gate');
    writeFileSync(this.#file, '');
    // Opening it waits for the other end: no polling, however many wait.
    execFileSync('mkfifo', [this.#gate]);
  }

  /** A workflow file of jobs that write here. */
  workflow(set: JobSet): string {
    const note = (what: string) => `echo "$CI_IDEMPOTENCY_KEY $CI_ATTEMPT ${what}" >> ${this.#file}`;
    const script = [
      note('begin'),
      ...(set.before === undefined ? [] : [set.before]),
      ...(set.waits ? [`: < ${this.#gate}`] : []),
      note('end'),
    ].join('\n');
    const step = `step name="work" run=${JSON.stringify(script)}`;
    const jobs = Array.from({ length: set.jobs }, (_, index) => {
      const head = set.runsOn === undefined ? '' : ` runs_on="${set.runsOn}"`;
      return `    job "j${index + 1}"${head} {\n${(set.more ?? []).map((line) => `        ${line}\n`).join('')}        ${step}\n    }`;
    });
    return `workflow "${set.workflow}" {\n    on "push"\n${jobs.join('\n')}\n}\n`;
  }

  /** Lets all go that wait, now and from now on. */
  open(): void {
    // For reading and writing: that never waits, and it stays open for those that come later.
    this.#opened ??= openSync(this.#gate, 'r+');
  }

  close(): void {
    if (this.#opened !== undefined) closeSync(this.#opened);
  }

  /** How often each job of each run began, or ended. */
  count(what: 'begin' | 'end'): Map<string, number> {
    const counts = new Map<string, number>();
    for (const line of readFileSync(this.#file, 'utf8').split('\n')) {
      const [key, , happened] = line.split(' ');
      if (key && happened === what) counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return counts;
  }

  async untilBegun(jobs: number, timeoutMs = 120_000): Promise<void> {
    await eventually(() => this.count('begin').size >= jobs, {
      describe: () => `${jobs} jobs to begin; ${this.count('begin').size} have`,
      timeoutMs,
      intervalMs: 100,
    });
  }

  /** Each began once and ended once. */
  expectOnce(jobs: number): void {
    for (const what of ['begin', 'end'] as const) {
      const counts = this.count(what);
      const twice = [...counts].filter(([, times]) => times !== 1);
      expect(twice, `jobs that ${what} more than once`).toEqual([]);
      expect(counts.size, `jobs that ${what}`).toBe(jobs);
    }
  }
}

/** A folder with one workflow file, to push. */
export function writeTree(fleet: Fleet, name: string, workflow: string): string {
  const directory = join(fleet.directory, `tree-${name}`);
  if (!existsSync(directory)) mkdirSync(join(directory, '.solstice'), { recursive: true });
  writeFileSync(join(directory, '.solstice', 'workflow.kdl'), workflow);
  return directory;
}

export async function pushTree(repository: TestRepository, tree: string, branch = 'main'): Promise<string> {
  const { commit } = await repository.push({ branch, tree: '', force: false }, tree);
  return commit;
}

const terminal = ['succeeded', 'failed', 'cancelled', 'superseded'];

/** Waits until this many runs are there and all have ended, then holds each to have succeeded, each job with one attempt. */
export async function expectAllSucceededOnce(
  fleet: Fleet,
  expected: { runs: number; jobs: number; timeoutMs?: number },
): Promise<void> {
  const client = fleet.client();
  let last = '';
  const runs = await eventually(
    async () => {
      const all = await client.runs({ limit: 1000 });
      last = `${all.length} runs: ${all.map((run) => `${run.number} ${run.state}`).join(', ')}`;
      return all.length === expected.runs && all.every(({ state }) => terminal.includes(state)) ? all : undefined;
    },
    {
      describe: () => `${expected.runs} ended runs; ${last}\n${fleet.said()}`,
      timeoutMs: expected.timeoutMs ?? 120_000,
      intervalMs: 200,
    },
  );
  let jobs = 0;
  for (const { id, number } of runs) {
    const run = await client.run(id);
    for (const node of run.nodes) {
      const attempts = node.attempts.map(({ state }) => state);
      expect([run.state, attempts], `${node.id} of run ${number}: ${node.causeText ?? ''}`).toEqual([
        'succeeded',
        ['succeeded'],
      ]);
      jobs += 1;
    }
  }
  expect(jobs).toBe(expected.jobs);
}

/** The forge has been told the last state of every check. */
export async function expectAllReported(fleet: Fleet): Promise<void> {
  const client = fleet.client();
  await eventually(async () => (await client.checks({ pending: true })).length === 0, {
    describe: () => `every check to be reported\n${fleet.said()}`,
  });
}
