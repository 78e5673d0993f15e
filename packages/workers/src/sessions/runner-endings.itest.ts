import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildRunner } from '@solstice/runner/build';
import { eventually } from '@solstice/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { assignmentOf, generousLimits, RecordingHandler } from './testing/recording-handler.js';
import { Bench } from './testing/runner-process.js';

beforeAll(async () => {
  await buildRunner();
});

const forEver = 'while :; do sleep 0.05; done';

describe('clocks', () => {
  it('end a step at its own timeout; the next does not run', async () => {
    const slow = { timeoutMs: 2_000n, action: { $case: 'run', value: `echo up; ${forEver}` } } as const;
    const handler = new RecordingHandler(assignmentOf([slow, 'echo never']));
    await using bench = await Bench.make(handler);
    await bench.run();
    const cause = { kind: 'clock', clock: 'step', limitMs: 2_000, step: 0, stepName: 'step 1' };
    expect(handler.result).toEqual({ state: 'timed_out', cause });
    expect(handler.stepResults()).toEqual([{ step: 0, result: { state: 'timed_out', cause } }]);
    expect(handler.system).toContain('timeout of 2 s');
    expect(handler.output(0).toString()).toBe('up\n');
  });

  it('end the job at its timeout, counted over all steps', async () => {
    const handler = new RecordingHandler(assignmentOf(['echo quick', forEver, 'echo never'], { timeoutMs: 3_000n }));
    await using bench = await Bench.make(handler);
    await bench.run();
    const cause = { kind: 'clock', clock: 'job', limitMs: 3_000, step: 1, stepName: 'step 2' };
    expect(handler.result).toEqual({ state: 'timed_out', cause });
    expect(handler.stepResults()[0]?.result.state).toBe('succeeded');
  });

  it('kill what ignores SIGTERM after the grace', async () => {
    const limits = { ...generousLimits, cancelGraceMs: 300n };
    const handler = new RecordingHandler(assignmentOf([`trap '' TERM; echo up; ${forEver}`], { limits }));
    await using bench = await Bench.make(handler);
    const runner = await bench.startRunner();
    await eventually(() => handler.output(0).toString() === 'up\n');
    handler.control?.cancel('enough');
    await runner.ended;
    expect(handler.result?.state).toBe('cancelled');
  });

  it('give the grace to what a shell that has died at once had started', async () => {
    const child = `sh -c 'trap "sleep 0.3; echo tidied; exit 0" TERM; echo up; ${forEver}'`;
    const handler = new RecordingHandler(assignmentOf([`${child}\necho not reached`]));
    await using bench = await Bench.make(handler);
    const runner = await bench.startRunner();
    await eventually(() => handler.output(0).toString() === 'up\n');
    handler.control?.cancel('');
    await runner.ended;
    expect(handler.output(0).toString()).toBe('up\ntidied\n');
  });
});

describe('a group of processes', () => {
  it('is over when all of it has ended, also what nobody collects', async () => {
    // One that is not of the group any more, and that never asks for its child, which is: that lies there as long as it lives.
    const negligent = `sh -c 'sleep 0 & echo $$ > parent; exec setsid sleep 1000' &`;
    const script = `${negligent} until [ -s parent ]; do sleep 0.02; done; echo up; ${forEver}`;
    const limits = { ...generousLimits, cancelGraceMs: 3_600_000n };
    const handler = new RecordingHandler(assignmentOf([script], { limits }));
    await using bench = await Bench.make(handler);
    const runner = await bench.startRunner();
    await eventually(() => handler.output(0).toString() === 'up\n');
    const parent = Number(await readFile(join(bench.workDirectory, 'parent'), 'utf8'));
    try {
      handler.control?.cancel('');
      expect((await runner.ended).exitCode).toBe(0);
      expect(isGone(parent)).toBe(false);
    } finally {
      process.kill(parent, 'SIGKILL');
    }
    expect(handler.result?.state).toBe('cancelled');
  });
});

describe('a step that cannot be started', () => {
  it.each([
    ['ci/missing', 'ci/missing is not in this commit'],
    ['plain.sh', 'git update-index --chmod=+x plain.sh'],
    ['strange', 'its interpreter /no/such/interpreter is not in this worker'],
    ['folder', 'folder is not a file'],
    ['../outside', '../outside is outside the checkout'],
  ])('says why: %s', async (scriptPath, detail) => {
    const handler = new RecordingHandler(assignmentOf([{ action: { $case: 'scriptPath', value: scriptPath } }]));
    await using bench = await Bench.make(handler);
    await mkdir(join(bench.workDirectory, 'folder'), { recursive: true });
    await writeFile(join(bench.workDirectory, 'plain.sh'), '#!/bin/sh\n', { mode: 0o644 });
    await writeFile(join(bench.workDirectory, 'strange'), '#!/no/such/interpreter -x\n', { mode: 0o755 });
    await bench.run();
    expect(handler.result).toEqual({
      state: 'failed',
      cause: { kind: 'cannot-start', step: 0, stepName: 'step 1', detail: expect.stringContaining(detail) },
    });
    expect(handler.system).toContain(detail);
  });

  it('is not one that is there and may be executed', async () => {
    const handler = new RecordingHandler(assignmentOf([{ action: { $case: 'scriptPath', value: './ci/build' } }]));
    await using bench = await Bench.make(handler);
    await mkdir(join(bench.workDirectory, 'ci'), { recursive: true });
    const file = join(bench.workDirectory, 'ci', 'build');
    await writeFile(file, '#!/bin/sh\necho "built in $(pwd)"\n');
    await chmod(file, 0o755);
    await bench.run();
    expect(handler.output(0).toString()).toBe(`built in ${bench.workDirectory}\n`);
  });
});

describe('the environment of a step', () => {
  it('is the worker’s, the job’s and its own, and nothing of the runner’s', async () => {
    const step = {
      env: { LEVEL: 'step', STEP: '1' },
      action: { $case: 'run', value: 'env | sort; ls -l /proc/self/fd/0' },
    };
    const handler = new RecordingHandler(assignmentOf([step as never], { env: { LEVEL: 'job', JOB: '1' } }));
    await using bench = await Bench.make(handler);
    const runner = await bench.startRunner({}, { SOLSTICE_TOKEN: 'canary', IMAGE_SAYS: 'yes', LEVEL: 'image' });
    await runner.ended;
    const text = handler.output(0).toString();
    const environment = new Map(
      text.split('\n').map((line) => [line.split('=')[0], line.split('=').slice(1).join('=')]),
    );
    expect(environment.get('CI')).toBe('true');
    expect(environment.get('LEVEL')).toBe('step');
    expect(environment.get('JOB')).toBe('1');
    expect(environment.get('IMAGE_SAYS')).toBe('yes');
    expect(environment.get('HOME')).toBe(join(bench.spoolDirectory, 'home'));
    expect(text).not.toContain('SOLSTICE');
    expect(text).not.toContain(handler.token.toString('base64'));
    expect(text).toContain('/dev/null');
  });

  it('has a script on no command line, and leaves none behind', async () => {
    const handler = new RecordingHandler(assignmentOf([`tr '\\0' ' ' < /proc/$$/cmdline # canary`]));
    await using bench = await Bench.make(handler);
    await bench.run();
    expect(handler.output(0).toString()).not.toContain('canary');
    expect(await readdir(bench.spoolDirectory)).not.toContain('scripts');
  });

  it('says the notes of the assignment first', async () => {
    const handler = new RecordingHandler(assignmentOf(['true'], { notes: ['served by pool *'] }));
    await using bench = await Bench.make(handler);
    await bench.run();
    expect(handler.records[0]).toMatchObject({
      kind: 'log',
      stream: 'system',
      data: Buffer.from('served by pool *\n'),
    });
  });
});

describe('who may run a job, and how often', () => {
  it('a wrong token is refused, and the runner exits for good', async () => {
    const handler = new RecordingHandler(assignmentOf(['true']));
    await using bench = await Bench.make(handler);
    const runner = await bench.startRunner({ token: Buffer.alloc(32, 8).toString('base64') });
    expect((await runner.ended).exitCode).toBe(77);
    expect(handler.assignments).toBe(0);
  });

  it('the same token from a second runner is refused, and the first goes on', async () => {
    const handler = new RecordingHandler(assignmentOf(['while [ ! -e go ]; do sleep 0.02; done; echo done']));
    await using bench = await Bench.make(handler);
    const first = await bench.startRunner();
    await eventually(() => handler.records.length > 0);
    const second = await bench.startRunner({ spoolDirectory: join(bench.directory.path, 'another-spool') });
    expect((await second.ended).exitCode).toBe(77);
    await writeFile(join(bench.workDirectory, 'go'), '');
    expect((await first.ended).exitCode).toBe(0);
    expect(handler.output(0).toString()).toBe('done\n');
  });

  it('a runner that finds the start marker exits with 75 and starts nothing', async () => {
    const handler = new RecordingHandler(assignmentOf(['echo ran']));
    await using bench = await Bench.make(handler);
    await bench.run();
    const opens = handler.opens;
    const again = await bench.startRunner();
    expect((await again.ended).exitCode).toBe(75);
    expect(handler.opens).toBe(opens);
  });

  it('a runner killed in the middle of a step leaves the marker', async () => {
    const handler = new RecordingHandler(assignmentOf([`echo $$; ${forEver}`]));
    await using bench = await Bench.make(handler);
    const runner = await bench.startRunner();
    const pid = await eventually(() => Number(handler.output(0).toString()) || undefined);
    runner.child.kill('SIGKILL');
    await runner.ended;
    process.kill(-pid, 'SIGKILL');
    expect((await (await bench.startRunner()).ended).exitCode).toBe(75);
  });

  it('a dismissed runner takes its steps along', async () => {
    const handler = new RecordingHandler(assignmentOf([`trap '' TERM; echo $$; ${forEver}`]));
    await using bench = await Bench.make(handler);
    const runner = await bench.startRunner();
    const pid = await eventually(() => Number(handler.output(0).toString()) || undefined);
    handler.control?.dismiss('the attempt was taken');
    const end = await runner.ended;
    expect(end.exitCode).toBe(79);
    expect(end.stderr).toContain('the attempt was taken');
    await eventually(() => isGone(pid));
  });

  it('a fence that is lost dismisses it', async () => {
    const handler = new RecordingHandler(assignmentOf([`echo up; ${forEver}`]));
    await using bench = await Bench.make(handler);
    const runner = await bench.startRunner();
    await eventually(() => handler.output(0).length > 0);
    handler.fenced = true;
    handler.control?.cancel('makes it say something');
    expect((await runner.ended).exitCode).toBe(79);
  });

  it('a runner for which there is no work any more is dismissed', async () => {
    const handler = new RecordingHandler(assignmentOf(['true']));
    handler.fenced = true;
    await using bench = await Bench.make(handler);
    expect((await bench.run()).exitCode).toBe(79);
  });

  it('SIGTERM ends it with its steps', async () => {
    const handler = new RecordingHandler(assignmentOf([`echo $$; ${forEver}`]));
    await using bench = await Bench.make(handler);
    const runner = await bench.startRunner();
    const pid = await eventually(() => Number(handler.output(0).toString()) || undefined);
    runner.child.kill('SIGTERM');
    expect((await runner.ended).exitCode).toBe(143);
    await eventually(() => isGone(pid));
  });
});

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}
