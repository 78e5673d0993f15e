import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunDetailView } from '@solstice/api';
import { eventually } from '@solstice/testing';
import { expect } from 'vitest';
import type { TestRepository } from '../harness/repository.js';
import type { Theatre } from '../harness/run-scenario.js';

type Node = RunDetailView['nodes'][number];

const TERMINAL = ['succeeded', 'failed', 'cancelled', 'superseded'];

/** A run of one workflow, in a repository of its own. */
export class Play {
  readonly name: string;
  readonly repository: TestRepository;
  #theatre: Theatre;
  #run: string;

  private constructor(theatre: Theatre, name: string, repository: TestRepository, run: string) {
    this.#theatre = theatre;
    this.name = name;
    this.repository = repository;
    this.#run = run;
  }

  /** Pushes the workflow to `main` and waits for its run. */
  static async begin(theatre: Theatre, name: string, workflow: string): Promise<Play> {
    const repository = await theatre.addRepository(name);
    await pushWorkflow(repository, workflow);
    const client = theatre.client();
    let said = '';
    const run = await eventually(
      async () => {
        const [delivery] = (await client.deliveries({ limit: 1000 })).filter((one) => one.repository === name);
        said = `${delivery?.state ?? 'no delivery'}: ${delivery?.reason ?? ''}`;
        return (await client.runs({ repository: name, limit: 1 }))[0];
      },
      { describe: () => `a run of ${name}; its delivery: ${said}` },
    );
    return new Play(theatre, name, repository, run.id);
  }

  get id(): string {
    return this.#run;
  }

  /** The same run, seen through another installation or another process. */
  on(theatre: Theatre): Play {
    return new Play(theatre, this.name, this.repository, this.#run);
  }

  now(): Promise<RunDetailView> {
    return this.#theatre.client().run(this.#run);
  }

  /** `what`: as it follows "waiting for". */
  async until(what: string, isSo: (run: RunDetailView) => boolean): Promise<RunDetailView> {
    let last: RunDetailView | undefined;
    return await eventually(
      async () => {
        last = await this.now();
        return isSo(last) ? last : undefined;
      },
      { describe: () => `${what}; the run: ${summary(last)}`, intervalMs: 50 },
    );
  }

  async ended(): Promise<RunDetailView> {
    return await this.until('the run to end', (run) => TERMINAL.includes(run.state));
  }

  /** Until this node has this state. */
  async reaches(nodeId: string, state: string): Promise<RunDetailView> {
    return await this.until(`${nodeId} to be ${state}`, (run) => nodeOf(run, nodeId).state === state);
  }

  /** What a step printed, by its number from 1. */
  async printed(job: string, step = 1): Promise<string> {
    const args = ['logs', this.#run, '--job', job, '--step', String(step), '--raw'];
    const { stdout, exitCode, stderr } = await this.#theatre.ciadm(...args);
    expect(exitCode, stderr).toBe(0);
    return stdout.toString();
  }

  /** Runs `ciadm <verb> <this run> …`, which has to succeed. */
  async ciadm(verb: string, ...args: string[]): Promise<string> {
    const { stdout, exitCode, stderr } = await this.#theatre.ciadm(verb, this.#run, ...args);
    expect(exitCode, `ciadm ${verb}: ${stderr}`).toBe(0);
    return stdout.toString();
  }

  /** The same, which has to fail; gives what it says. */
  async refused(verb: string, ...args: string[]): Promise<string> {
    const { stdout, exitCode, stderr } = await this.#theatre.ciadm(verb, this.#run, ...args);
    expect(exitCode, `ciadm ${verb} said ${stdout.toString()}`).not.toBe(0);
    return stderr;
  }
}

export async function pushWorkflow(repository: TestRepository, workflow: string, branch = 'main'): Promise<string> {
  const tree = mkdtempSync(join(tmpdir(), 'solstice-tree-'));
  try {
    mkdirSync(join(tree, '.solstice'));
    writeFileSync(join(tree, '.solstice', 'workflow.kdl'), workflow);
    const { commit } = await repository.push({ branch, tree: '', force: false }, tree);
    return commit;
  } finally {
    rmSync(tree, { recursive: true });
  }
}

export function nodeOf(run: RunDetailView, id: string): Node {
  const node = run.nodes.find((one) => one.id === id);
  if (node === undefined) throw new Error(`run ${run.number} has no node ${id}: ${summary(run)}`);
  return node;
}

/** `{build: 'succeeded', …}` */
export function statesOf(run: RunDetailView): Record<string, string> {
  return Object.fromEntries(run.nodes.map(({ id, state }) => [id, state]));
}

/** When the steps of its last attempt began and ended, in Unix milliseconds. */
export function timesOf(run: RunDetailView, id: string): { began: number; ended: number } {
  const attempt = nodeOf(run, id).attempts.at(-1);
  return { began: Date.parse(attempt?.startedAt ?? ''), ended: Date.parse(attempt?.endedAt ?? '') };
}

function summary(run: RunDetailView | undefined): string {
  if (run === undefined) return 'not there';
  const nodes = run.nodes.map(
    ({ id, state, waitingFor, causeText }) => `${id} ${state} (${waitingFor ?? causeText ?? ''})`,
  );
  return `${run.state}: ${nodes.join('; ')}`;
}
