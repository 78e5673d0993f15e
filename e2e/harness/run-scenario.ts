import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { OperatorClient, RunDetailView } from '@solstice/api';
import { eventually } from '@solstice/testing';
import { expect } from 'vitest';
import { git, type TestRepository } from './repository.js';
import type { Action, Push, Scenario, ScenarioFolder } from './scenario.js';
import type { CommandResult } from './solstice-process.js';

const TERMINAL = ['succeeded', 'failed', 'cancelled', 'superseded'];

/** What a scenario is played on: one process that is everything, or a fleet. */
export interface Theatre {
  client(): OperatorClient;
  ciadm(...args: string[]): Promise<CommandResult>;
  addRepository(name: string): Promise<TestRepository>;
}

interface Stage {
  folder: ScenarioFolder;
  theatre: Theatre;
  client: OperatorClient;
  repository: TestRepository;
  name: string;
  backend: 'process' | 'container';
  /** What was pushed, newest last. */
  commits: string[];
}

/** Does what the scenario says in a fresh repository, waits for all to end, and compares. */
export async function runScenario(
  folder: ScenarioFolder,
  options: { theatre: Theatre; backend: 'process' | 'container' },
): Promise<void> {
  const { theatre, backend } = options;
  const client = theatre.client();
  const name = `${folder.name}-${backend}`;
  const repository = await theatre.addRepository(name);

  const stage: Stage = { folder, theatre, client, repository, name, backend, commits: [] };
  for (const action of folder.scenario.actions) await act(stage, action);

  const wanted = folder.scenario.expect;
  await expectDeliveries(stage, wanted);
  const runs = await expectRuns(stage, wanted);
  await expectLogs(stage, wanted, runs);
  await expectCheck(stage, wanted);
}

async function act(stage: Stage, action: Action): Promise<void> {
  if ('push' in action) {
    stage.commits.push((await push(stage, action.push)).commit);
  } else if ('together' in action) {
    const clones = await Promise.all(action.together.map(() => stage.repository.clone()));
    const pushed = await Promise.all(action.together.map((each, index) => push(stage, each.push, clones[index])));
    stage.commits.push(...pushed.map(({ commit }) => commit));
  } else if ('tag' in action) {
    await stage.repository.tag(action.tag);
  } else if ('delete' in action) {
    await stage.repository.delete(action.delete.branch);
  } else if ('waitForLog' in action) {
    const { job, contains } = action.waitForLog;
    const run = await newestRun(stage);
    await eventually(
      async () => {
        const log = await stage.theatre.ciadm('logs', String(run.number), '--job', job, '--raw');
        return log.stdout.includes(contains) ? true : undefined;
      },
      { describe: () => `"${contains}" in the log of ${job} of run ${run.number}`, intervalMs: 100 },
    );
  } else if ('waitForNode' in action) {
    await waitForNode(stage, action.waitForNode);
  } else if ('waitForEnd' in action) {
    const { number } = await runAt(stage, action.waitForEnd.run);
    await eventually(async () => (TERMINAL.includes((await stage.client.run(number)).state) ? true : undefined), {
      describe: () => `run ${number} of ${stage.name} to end`,
      intervalMs: 100,
    });
  } else if ('cancel' in action) {
    const run = await newestRun(stage);
    await command(stage, ['cancel', String(run.number), '--reason', action.cancel.reason], { exitCode: 0, says: '' });
  } else {
    await command(stage, ...(await wordsOf(stage, action)));
  }
}

type Wanted = { exitCode: number; says: string };
type ByCommand = Extract<
  Action,
  { approve: unknown } | { reject: unknown } | { rerun: unknown } | { trigger: unknown }
>;

/** What is typed after `ciadm`, and what has to come of it. */
async function wordsOf(stage: Stage, action: ByCommand): Promise<[string[], Wanted]> {
  const options = (named: Record<string, string | undefined>) =>
    Object.entries(named).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]));
  const inputs = (named: Record<string, string>) =>
    Object.entries(named).flatMap(([name, value]) => ['--input', `${name}=${value}`]);
  const run = async (index: number | undefined) => String((await runAt(stage, index)).number);
  if ('trigger' in action) {
    const { workflow, inputs: said } = action.trigger;
    return [['trigger', stage.name, '--workflow', workflow, ...inputs(said)], action.trigger];
  }
  if ('rerun' in action) {
    const { failed, job } = action.rerun;
    return [['rerun', await run(action.rerun.run), ...(failed ? ['--failed'] : []), ...options({ job })], action.rerun];
  }
  const [verb, said, typed] =
    'approve' in action
      ? (['approve', action.approve, inputs(action.approve.inputs)] as const)
      : (['reject', action.reject, []] as const);
  const { gate, by, reason } = said;
  const words = [verb, await run(said.run), ...(gate === undefined ? [] : [gate]), ...options({ by, reason })];
  return [[...words, ...typed], said];
}

async function command(stage: Stage, words: string[], wanted: Wanted): Promise<void> {
  const { exitCode, stdout, stderr } = await stage.theatre.ciadm(...words);
  const said = `${stdout}${stderr}`;
  expect({ words, exitCode, said }).toEqual({
    words,
    exitCode: wanted.exitCode,
    said: expect.stringContaining(wanted.says),
  });
}

async function waitForNode(
  stage: Stage,
  wanted: { run?: number | undefined; node: string; state: string; waitingFor?: string | undefined },
): Promise<void> {
  const { number } = await runAt(stage, wanted.run);
  let last = '';
  await eventually(
    async () => {
      const node = (await stage.client.run(number)).nodes.find(({ id }) => id === wanted.node);
      last = JSON.stringify([node?.state, node?.waitingFor, node?.causeText]);
      return node?.state === wanted.state && (node.waitingFor ?? '').includes(wanted.waitingFor ?? '')
        ? true
        : undefined;
    },
    {
      describe: () => `${JSON.stringify(wanted)} in run ${number} of ${stage.name}; it is ${last}`,
      intervalMs: 100,
    },
  );
}

function push(stage: Stage, wanted: Push, clone?: string): Promise<{ commit: string }> {
  return stage.repository.push(wanted, join(stage.folder.directory, wanted.tree), clone);
}

async function newestRun(stage: Stage): Promise<{ id: string; number: number }> {
  return eventually(async () => (await runsOf(stage)).at(-1), {
    describe: () => `a run of ${stage.name}`,
  });
}

/** As it is counted in a scenario; absent: the newest. */
async function runAt(stage: Stage, index: number | undefined): Promise<{ id: string; number: number }> {
  if (index === undefined) return await newestRun(stage);
  return await eventually(async () => (await runsOf(stage)).at(index), {
    describe: () => `run ${index} of ${stage.name}`,
  });
}

/** Oldest first. */
async function runsOf(stage: Stage) {
  const all = await stage.client.runs({ repository: stage.name, limit: 100 });
  return all.reverse();
}

async function expectDeliveries(stage: Stage, wanted: Scenario['expect']): Promise<void> {
  const settled = await eventually(
    async () => {
      const all = await stage.client.deliveries({ limit: 1000 });
      const ours = all.filter((delivery) => delivery.repository === stage.name);
      return ours.length === wanted.deliveries.length && ours.every(({ state }) => state !== 'received')
        ? ours
        : undefined;
    },
    {
      describe: () => `${wanted.deliveries.length} settled deliveries of ${stage.name}`,
      intervalMs: 100,
    },
  );
  const full = await Promise.all(settled.map(({ id }) => stage.client.delivery(id)));
  for (const { ref, state, reason } of wanted.deliveries) {
    const index = full.findIndex(
      (delivery) =>
        delivery.event?.ref === ref && delivery.state === state && (delivery.reason ?? '').includes(reason ?? ''),
    );
    const found = full.map((delivery) => [delivery.event?.ref, delivery.state, delivery.reason]);
    expect(index, `${ref} ${state} ${reason ?? ''} among ${JSON.stringify(found)}`).toBeGreaterThanOrEqual(0);
    full.splice(index, 1);
  }
}

async function expectRuns(stage: Stage, wanted: Scenario['expect']): Promise<RunDetailView[]> {
  let last = '';
  const runs = await eventually(
    async () => {
      const summaries = await runsOf(stage);
      last = summaries.map((run) => `${run.number} ${run.workflow} ${run.state}`).join(', ');
      if (summaries.length !== wanted.runs.length) return undefined;
      if (!summaries.every((run) => TERMINAL.includes(run.state))) return undefined;
      return Promise.all(summaries.map((run) => stage.client.run(run.id)));
    },
    {
      describe: () => `${wanted.runs.length} ended runs of ${stage.name}; now: ${last}`,
      intervalMs: 100,
    },
  );
  const sameBranch = new Set(wanted.runs.map((run) => run.branch)).size <= 1;
  if (!sameBranch) runs.sort((a, b) => (a.source.branch ?? '').localeCompare(b.source.branch ?? ''));
  wanted.runs.forEach((expected, index) => {
    const run = runs[index] as RunDetailView;
    const seen = JSON.stringify(run.nodes, undefined, 1);
    expect([run.workflow, run.source.branch, run.state], seen).toEqual([
      expected.workflow,
      expected.branch,
      expected.state,
    ]);
    if (expected.cause) expect(run.cause, seen).toMatchObject(expected.cause);
    expect(run.nodes.map(({ id }) => id).sort()).toEqual(Object.keys(expected.jobs).sort());
    for (const [id, job] of Object.entries(expected.jobs)) {
      const node = run.nodes.find((each) => each.id === id);
      expect(node?.state, seen).toBe(job.state);
      if (job.attempts)
        expect(
          node?.attempts.map(({ state }) => state),
          seen,
        ).toEqual(job.attempts);
      if (job.steps)
        expect(
          node?.attempts.at(-1)?.steps.map(({ state }) => state),
          seen,
        ).toEqual(job.steps);
      if (job.cause) expect(node?.cause, seen).toMatchObject(job.cause);
      if (job.reused !== undefined) expect(node?.reusedFrom !== undefined, seen).toBe(job.reused);
    }
  });
  for (const [before, after] of wanted.order ?? []) {
    const attempt = (id: string) => runs[0]?.nodes.find((node) => node.id === id)?.attempts[0];
    expect(Date.parse(attempt(before)?.endedAt ?? '')).toBeLessThanOrEqual(Date.parse(attempt(after)?.claimedAt ?? ''));
  }
  for (const [before, after] of wanted.turns ?? []) {
    expect(Date.parse(runs[before]?.endedAt ?? '')).toBeLessThanOrEqual(Date.parse(runs[after]?.startedAt ?? ''));
  }
  return runs;
}

async function expectLogs(stage: Stage, wanted: Scenario['expect'], runs: RunDetailView[]): Promise<void> {
  for (const log of wanted.logs ?? []) {
    if (log.backend !== undefined && log.backend !== stage.backend) continue;
    const run = runs[log.run] as RunDetailView;
    const printed = await stage.theatre.ciadm(
      'logs',
      String(run.number),
      '--job',
      log.job,
      '--step',
      String(log.step + 1),
      '--raw',
    );
    expect(printed.exitCode, printed.stderr).toBe(0);
    const bytes =
      log.command !== undefined
        ? execFileSync('/bin/sh', ['-c', log.command], { maxBuffer: 64 * 1024 * 1024 })
        : Buffer.from(
            (log.text ?? '').replaceAll('<branch>', run.source.branch ?? '').replaceAll('<commit>', run.source.commit),
          );
    // Compared as bytes; the texts only make a readable message.
    if (!printed.stdout.equals(bytes)) {
      expect(printed.stdout.toString('latin1').slice(0, 2000)).toBe(bytes.toString('latin1').slice(0, 2000));
      expect(printed.stdout.length).toBe(bytes.length);
      expect.fail(`the log of ${log.job} step ${log.step} differs from what was printed`);
    }
  }
}

/** The git forge shows checks as notes on the commit. */
async function expectCheck(stage: Stage, wanted: Scenario['expect']): Promise<void> {
  const { check } = wanted;
  if (!check) return;
  const commit = stage.commits.at(-1) as string;
  let note = '';
  await eventually(
    async () => {
      note = await git(stage.repository.bare, 'notes', '--ref=solstice', 'show', commit).catch(() => '');
      return note.includes(check.context) && note.includes(check.state) && note.includes(check.contains ?? '')
        ? true
        : undefined;
    },
    {
      describe: () => `${JSON.stringify(check)} in the note of <commit>; it is:\n${note}`,
      intervalMs: 100,
    },
  );
}
