import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { World } from '@solstice/api/testing';
import type { BranchSpec, GateSpec, JobSpec, WaitSpec } from '@solstice/common/flow';
import { describe, expect, test } from 'vitest';
import { served } from './testing/served.js';

const node = (id: string, needs: string[]) => ({ id, name: id, needs });
const job = (id: string, needs: string[], more: Partial<JobSpec> = {}): JobSpec => ({
  ...{ kind: 'job', ...node(id, needs), runsOn: 'default', env: {}, ...more },
  steps: [{ name: 'Do', env: {}, action: { kind: 'run', script: 'true' } }],
});
const gate = (id: string, needs: string[], more: Partial<GateSpec> = {}): GateSpec => {
  return { kind: 'gate', ...node(id, needs), approvers: ['user:ada', 'team:ops'], count: 2, inputs: [], ...more };
};
const wait = (id: string, needs: string[]): WaitSpec => ({ kind: 'wait', ...node(id, needs), forMs: 3_600_000 });
const branch = (id: string, needs: string[]): BranchSpec => ({ kind: 'branch', ...node(id, needs), when: "tag != ''" });
const failed = { state: 'failed' as const, cause: { kind: 'exit' as const, step: 0, stepName: 'Do', exitCode: 3 } };

describe('run show', () => {
  test('draws the graph: sides of branches, gates, waits, conditions, what follows a failure, and what each waits for', async () => {
    const { world, call } = await served({ operator: { teams: [{ name: 'ops', members: ['bo'] }] } });
    await world.plan({
      jobs: { build: [] },
      nodes: [
        branch('channel', ['build']),
        job('publish', ['channel'], { branch: { id: 'channel', side: 'then' } }),
        job('nightly', ['channel'], { branch: { id: 'channel', side: 'else' }, when: "branch == 'main'" }),
        wait('soak', ['build']),
        gate('release', ['build'], { prompt: 'Ship it?', exclude: 'author', timeoutMs: 3_600_000 }),
        job('deploy', ['soak', 'release']),
        job('tell', [], { onFailure: true }),
      ],
      values: { tag: '', branch: 'main', actor: 'linus' },
    });
    await (await world.work()).finish();
    expect((await call(['approve', '1', 'release', '--by', 'bo'])).code).toBe(0);
    const { stdout } = await call(['run', '1']);
    expect(stdout).toContain(`
  1  build succeeded
  2  channel took else, soak running, release running (1 of 2 approvals missing)
     then  publish skipped
     else  nightly ready
  3  deploy waiting
  !  tell waiting
`);
    expect(stdout).toMatch(/\nwait soak {2}running.*\n {2}waits until \d{4}-/);
    expect(stdout).toMatch(
      /\ngate release {2}running.*\n {2}waits for 1 of 2 approvals.*until \d{4}-.*approved by bo\n/,
    );
    expect(stdout).toContain('  asks “Ship it?”\n  approved by bo\n');
    expect(stdout).toContain("  in branch channel, on its side else\n  when branch == 'main'\n");
    expect(stdout).toMatch(/\ntell {2}waiting\n {2}all else has to end first: it begins if something fails\n/);
    const { nodes } = JSON.parse((await call(['run', '1', '--json'])).stdout);
    const until = expect.stringMatching(/^\d{4}-.*Z$/);
    expect(nodes).toMatchObject([
      { id: 'build', kind: 'job' },
      { kind: 'branch', taken: 'else' },
      { branch: { id: 'channel', side: 'then' } },
      { when: "branch == 'main'" },
      { kind: 'wait', waitsUntil: until },
      { kind: 'gate', waitsUntil: until, gate: { missing: 1 } },
      { state: 'waiting', waitingFor: 'needs soak, release' },
      { onFailure: true },
    ]);

    expect((await call(['reject', '1', 'release', '--by', 'ada', '--reason', 'not today'])).code).toBe(0);
    const { stdout: decided } = await call(['run', '1']);
    expect(decided).toContain('  decided by user:ada or team:ops, but not the author, 2 of them\n');
    expect(decided).toContain('  approved by bo; rejected by ada: not today\n');

    const page = await (await fetch(JSON.parse((await call(['run', '1', '--json'])).stdout).url)).text();
    expect(page).toContain('data-state="succeeded">took else<');
    expect(page).toContain('<small>channel: then</small>');
    expect(page).toMatch(
      /id="job-5-facts">asks “Ship it\?”\ndecided by user:ada or team:ops, but not the author, 2 of them\napproved by bo; /,
    );
    expect((await call(['why', '1'])).stdout).toMatch(/branch channel +succeeded +took its side else/);
  });
});

describe('rerun', () => {
  test('does again what failed, as a new run that says so; the old one stays', async () => {
    const { world, call } = await served();
    await world.plan({ jobs: { build: [], test: ['build'], ship: ['test'] } });
    await (await world.work()).finish();
    expect(await call(['rerun', '1'])).toMatchObject({ code: 5, stderr: expect.stringContaining('it is running') });
    await (await world.work()).finish(failed);

    const before = (await call(['run', '1', '--json'])).stdout;
    expect((await call(['rerun', '1', '--failed'])).stdout).toMatch(
      /^run 2 {2}http.*\/runs\/\S+ {2}2 of 3 are done again\n$/,
    );
    const { stdout } = await call(['run', '2'], { env: {} });
    expect(stdout).toMatch(/\n {2}rerun +of run 1 by operator\n/);
    expect(stdout).toContain('\n  1  build succeeded (of run 1)\n  2  test ready\n  3  ship waiting\n');
    expect(stdout).toContain('\n  not done again: it ended so in run 1\n');
    expect((await call(['why', '2'])).stdout).toMatch(/job build +succeeded +not done again, it ended so in run 1/);
    expect((await call(['run', '1', '--json'])).stdout).toBe(before);
    const run = JSON.parse((await call(['run', '2', '--json'])).stdout);
    expect(run).toMatchObject({ rerun: { number: 1, generation: 1, by: 'operator' } });
    expect(await (await fetch(run.url)).text()).toContain('run 1 again, asked for by operator');

    expect((await call(['rerun', '1', '--job', 'test'])).stdout).toContain('2 of 3 are done again');
    expect((await call(['rerun', '1'], { env: { USER: 'ada' } })).stdout).toMatch(/^run 4 {2}\S+\n$/);
    expect((await call(['run', '4'])).stdout).toMatch(/rerun +of run 1 by ada/);
    expect(await call(['rerun', '1', '--job', 'tests'])).toMatchObject({
      ...{ code: 3, stderr: expect.stringContaining('nothing that is called tests; there is build, test, ship') },
    });
    expect((await call(['rerun', '1', '--job', 'test', '--failed'])).code).toBe(2);
    expect((await call(['rerun', '9'])).code).toBe(3);
    expect(await call(['cancel', '1'])).toMatchObject({ code: 5, stderr: expect.stringContaining('failed') });
    const json = await call(['cancel', '1', '--json']);
    expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: 'refused', state: 'failed' } });
  });
});

describe('the key of a command', () => {
  test('makes its run once, and belongs to that command only', async () => {
    const { world, call } = await served();
    await world.plan();
    await (await world.work()).finish();
    const said = ['rerun', '1', '--key', 'nightly-7'];
    const first = await call(said);
    expect(first.stdout).toMatch(/^run 2 {2}/);
    expect(await call(said)).toEqual(first);
    expect(await call([...said, '--job', 'build'])).toMatchObject({
      ...{ code: 2, stderr: expect.stringMatching(/belongs to another request, which made run 2.*\n.*key of its own/) },
    });
    expect((await call(['rerun', '1', '--key', 'a b'])).code).toBe(2);
    expect((await call(['rerun', '1'])).stdout).toMatch(/^run 3 {2}/);
  });
});

describe('a run that waits', () => {
  const waiting = { jobs: { build: [] }, nodes: [gate('release', ['build']), job('ship', ['release'])] };

  test('is listed, with what it waits for', async () => {
    const { world, call } = await served();
    await world.plan({ jobs: { busy: [] } });
    expect(await call(['runs', '--waiting'])).toMatchObject({ stdout: '', stderr: expect.stringContaining('No run') });
    await (await world.work()).finish();
    await world.plan(waiting);
    await (await world.work()).finish();
    expect((await call(['runs', '--waiting'])).stdout).toMatch(
      /RUN .*\n +2 +ci +acme\/app +release +gate +waits for 2 of 2/,
    );
    const { runs } = JSON.parse((await call(['runs', '--waiting', '--json'])).stdout);
    expect(runs).toMatchObject([{ number: 2, waits: [{ kind: 'gate', nodeId: 'release' }] }]);
    expect(runs[0].waits[0]).not.toHaveProperty('until');
  });

  test('goes to another installation by a file, with its past, and is decided there', async () => {
    const here = await served();
    const there = await served({ operator: { teams: [{ name: 'ops', members: ['bo'] }] } }, new World());
    await here.world.plan(waiting);
    const worker = await here.world.work();
    expect(await here.call(['run', 'export', '1'])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('alder has build'),
    });
    await worker.stepStarted(0);
    await worker.print('hello\n');
    await worker.stepFinished(0);
    await worker.finish();

    const file = join(here.directory, 'run.json');
    await writeFile(file, 'already here');
    const taken = await here.call(['run', 'export', '1', '--out', file]);
    expect(taken).toMatchObject({
      ...{
        code: 2,
        stderr: expect.stringMatching(/run\.json cannot.*it is there already\. Nothing was done to the run/),
      },
    });
    const nowhere = await here.call(['run', 'export', '1', '--out', join(here.directory, 'none', 'run.json')]);
    expect(nowhere).toMatchObject({
      ...{
        code: 2,
        stderr: expect.stringMatching(/there is no folder \S+\/none\. Nothing was done.*\n.*Make the folder/),
      },
    });
    const inFile = await here.call(['run', 'export', '1', '--out', join(file, 'run.json')]);
    expect(inFile).toMatchObject({ code: 2, stderr: expect.stringContaining(`${file} is no folder`) });
    expect((await here.call(['run', '1', '--json'])).stdout).toContain('"state": "running"');

    const out = join(here.directory, 'run-1.json');
    expect((await here.call(['run', 'export', '1', '--out', out])).stdout).toContain('ciadm run import takes it');
    expect((await stat(out)).mode & 0o777).toBe(0o600);
    expect((await here.call(['run', '1'])).stdout).toMatch(/run 1 {2}cancelled/);
    expect((await here.call(['run', 'export', '1'])).stdout).toBe(await readFile(out, 'utf8'));

    const elsewhere = await here.call(['rerun', '1']);
    expect(elsewhere).toMatchObject({ code: 5, stderr: expect.stringMatching(/exported it.*goes on.*--here/) });
    expect((await here.call(['rerun', '1', '--here'])).stdout).toMatch(/^run 2 {2}/);

    // Also when it has left already: the message says nothing that is not so.
    const again = await here.call(['run', 'export', '1', '--out', out]);
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('Nothing was done to the run') });
    const gone = await there.call(['run', 'import', `${out}.gone`]);
    expect(gone).toMatchObject({ code: 2, stderr: expect.stringContaining('the file that ciadm run export wrote') });

    const alone = await there.call(['run', 'import', out]);
    expect(alone).toMatchObject({ code: 3, stderr: expect.stringContaining('ciadm repo add acme/app --forge local') });
    await there.world.plan({ jobs: { other: [] } });
    expect((await there.call(['run', 'import', out])).stdout).toMatch(/^run 2 running {2}http/);
    expect(await there.call(['run', 'import', out])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('it is here already, as run 2, which is running; nothing was changed'),
    });
    expect((await there.call(['logs', '2'])).stdout).toContain('hello');
    expect((await there.call(['run', '2'])).stdout).toContain('  1. succeeded  Compile');
    for (const by of ['ada', 'bo']) expect((await there.call(['approve', '2', '--by', by])).code).toBe(0);
    await (await there.world.work()).finish();
    await (await there.world.work()).finish();
    expect((await there.call(['run', '2', '--json'])).stdout).toContain('"state": "succeeded"');

    await writeFile(out, (await readFile(out, 'utf8')).replace('"seq": 2,', '"seq": 3,'));
    expect(await there.call(['run', 'import', out])).toMatchObject({ code: 2 });
    await writeFile(out, 'cut o');
    expect(await there.call(['run', 'import', out])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('cut off'),
    });
    expect((await there.call(['run', 'import', join(here.directory, 'none')])).code).toBe(2);
  });
});
