import { chown, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OUTPUT_LIMITS, type Step, StepKind } from '@solstice/common/rpc';
import { buildRunner } from '@solstice/runner/build';
import { beforeAll, describe, expect, it } from 'vitest';
import { assignmentOf, RecordingHandler } from './testing/recording-handler.js';
import { Bench } from './testing/runner-process.js';

beforeAll(async () => {
  await buildRunner();
});

const forEver = 'while :; do sleep 0.05; done';
const caught = (script: string): Partial<Step> => ({
  action: { $case: 'run', value: script },
  kind: StepKind.STEP_KIND_CATCH,
});

async function run(handler: RecordingHandler, environment: NodeJS.ProcessEnv = {}): Promise<void> {
  await using bench = await Bench.make(handler);
  const runner = await bench.startRunner({}, environment);
  expect(await runner.ended).toEqual({ exitCode: 0, signal: null, stderr: '' });
  // Nothing of it is left for whoever comes next.
  expect(await readdir(bench.spoolDirectory)).not.toContain('command');
}

describe('an output from a file', () => {
  const withFile = (path: string, scripts: (string | Partial<Step>)[]) =>
    new RecordingHandler(assignmentOf(scripts, { outputs: [{ name: 'version', path }] }));

  it.each([
    ['a line', `printf '1.2.3\\n' > v`, '1.2.3'],
    ['several', `printf 'a\\nb\\r\\n\\n' > v`, 'a\nb'],
    ['nothing', ': > v', ''],
    ['as much as it may', `head -c ${OUTPUT_LIMITS.valueBytes} /dev/zero | tr '\\0' x > v; echo >> v`, undefined],
    ['through a link inside', 'echo 7 > real; ln -s real v', '7'],
  ])('is what is in it: %s', async (_, script, value) => {
    const handler = withFile('v', [script]);
    await run(handler);
    const outputs = { version: value ?? 'x'.repeat(OUTPUT_LIMITS.valueBytes) };
    expect(handler.result).toEqual({ state: 'succeeded', outputs });
  });

  it.each([
    ['v', 'true', 'output version: v is not there'],
    ['v', 'mkdir v', 'v is not a file'],
    ['v', 'mkfifo v', 'v is not a file'],
    ['v', `printf '\\377' > v`, 'v is not UTF-8'],
    ['v', `printf 'a\\000b' > v`, 'NUL'],
    [
      'v',
      `head -c ${OUTPUT_LIMITS.valueBytes + 1} /dev/zero | tr '\\0' x > v`,
      `an output may have ${OUTPUT_LIMITS.valueBytes}`,
    ],
    ['v', 'yes | head -c 1000000 > v', `more than ${OUTPUT_LIMITS.valueBytes} bytes`],
    ['v', 'ln -s /etc/passwd v', 'v is a link to /etc/passwd, outside the work tree'],
    ['d/passwd', 'ln -s /etc d', 'outside the work tree'],
    ['../outside', 'echo x > ../outside', '../outside is outside the work tree'],
    ['/etc/passwd', 'true', '/etc/passwd is outside the work tree'],
    ['v', 'ln -s v v', 'v cannot be read'],
  ])('fails the job with the reason: %s after %s', async (path, script, problem) => {
    const handler = withFile(path, [script]);
    await run(handler);
    expect(handler.result).toEqual({
      state: 'failed',
      cause: { kind: 'output', detail: expect.stringContaining(problem) },
    });
    expect(handler.system).toContain(problem);
  });

  it('is not looked for when the steps failed, and may be missing when catch has mended that', async () => {
    const red = withFile('v', ['exit 3']);
    await run(red);
    expect(red.result).toMatchObject({ cause: { kind: 'exit', exitCode: 3 } });
    const mended = withFile('v', ['exit 3', caught('true')]);
    await run(mended);
    expect(mended.result).toEqual({ state: 'succeeded' });
    const written = withFile('v', ['exit 3', caught('echo none > v')]);
    await run(written);
    expect(written.result).toEqual({ state: 'succeeded', outputs: { version: 'none' } });
  });

  it('is read before finally tidies up', async () => {
    const tidy: Partial<Step> = { action: { $case: 'run', value: 'rm v' }, kind: StepKind.STEP_KIND_FINALLY };
    const handler = withFile('v', ['echo 1 > v', tidy]);
    await run(handler);
    expect(handler.result).toEqual({ state: 'succeeded', outputs: { version: '1' } });
  });
});

describe('solstice output', () => {
  it('hands values on, the later of two, also when the job fails', async () => {
    const handler = new RecordingHandler(
      assignmentOf([`solstice output version=1 notes='a=b "c"\n\\d'`, 'solstice output version=2; exit 3']),
    );
    await run(handler);
    expect(handler.result).toMatchObject({ state: 'failed', outputs: { version: '2', notes: 'a=b "c"\n\\d' } });
    expect(handler.result).not.toHaveProperty('final');
  });

  it('takes the largest value that there may be', async () => {
    const script = `solstice output big="$(head -c ${OUTPUT_LIMITS.valueBytes} /dev/zero | tr '\\0' '\\001')"`;
    const handler = new RecordingHandler(assignmentOf([script]));
    await run(handler);
    expect(handler.result?.outputs?.big).toHaveLength(OUTPUT_LIMITS.valueBytes);
  });

  it.each([
    ['solstice output version', 2, '"version" has no ='],
    ['solstice output a.b=1', 2, '"a.b" cannot be the name of an output'],
    ['solstice deploy', 2, 'unknown command "deploy"'],
    ['solstice', 2, 'usage: solstice output <name>=<value>'],
    ['solstice fail', 2, 'the reason is missing'],
    [
      `solstice output big=${'x'.repeat(OUTPUT_LIMITS.valueBytes + 1)}`,
      1,
      `an output may have ${OUTPUT_LIMITS.valueBytes}`,
    ],
    [`for i in $(seq 70); do set -- "$@" n$i=; done; solstice output "$@"`, 1, 'a job may have 64 outputs'],
  ])('says what is wrong: %s', async (script, exitCode, problem) => {
    const handler = new RecordingHandler(assignmentOf([script]));
    await run(handler);
    expect(handler.output(0, 'stderr').toString()).toContain(problem);
    expect(handler.result).toMatchObject({ state: 'failed', cause: { kind: 'exit', exitCode } });
  });

  it('is on the PATH of every step, whatever that is, and does not mind what the job does to Node.js', async () => {
    const env = {
      PATH: '/usr/bin:/bin',
      NODE_OPTIONS: '--require=/no/such/module',
      LD_PRELOAD: '',
      LD_LIBRARY_PATH: '/no/such/directory',
    };
    const step: Partial<Step> = { env, action: { $case: 'run', value: 'solstice output a=1' } };
    const handler = new RecordingHandler(assignmentOf([step, 'cd /; env -i "$(command -v solstice)" output b=2']));
    await run(handler);
    expect(handler.result).toEqual({ state: 'succeeded', outputs: { a: '1', b: '2' } });
  });

  it.runIf(process.getuid?.() === 0)('works for another user', async () => {
    const handler = new RecordingHandler(assignmentOf(['id -u; solstice output a=1']));
    await using bench = await Bench.make(handler);
    for (const made of [bench.workDirectory, bench.spoolDirectory]) {
      await mkdir(made);
      await chown(made, 1234, 1234);
    }
    const runner = await bench.startRunner({}, {}, { userId: 1234 });
    expect(await runner.ended).toMatchObject({ exitCode: 0 });
    expect(handler.output(0).toString()).toBe('1234\n');
    expect(handler.result).toEqual({ state: 'succeeded', outputs: { a: '1' } });
  });

  it('works where the path of the socket is longer than a socket’s may be', async () => {
    const handler = new RecordingHandler(assignmentOf(['solstice output a=1; ls ..']));
    await using bench = await Bench.make(handler);
    const spoolDirectory = join(bench.directory.path, 'd'.repeat(100), 'spool');
    await mkdir(spoolDirectory, { recursive: true });
    const runner = await bench.startRunner({ spoolDirectory });
    expect(await runner.ended).toMatchObject({ exitCode: 0 });
    expect(handler.result).toEqual({ state: 'succeeded', outputs: { a: '1' } });
    // Nor is it made elsewhere, at what is left of the path when it is cut.
    const files = handler.output(0).toString().trim().split('\n');
    expect(files.filter((name) => name.startsWith('d'))).toEqual(['d'.repeat(100)]);
  });

  it('is not there where it cannot be made, and the log says so', async () => {
    const handler = new RecordingHandler(assignmentOf(['solstice output a=1']));
    await using bench = await Bench.make(handler);
    await mkdir(bench.spoolDirectory, { recursive: true });
    // Where its files should be is something else: the job goes on, and says so.
    await writeFile(join(bench.spoolDirectory, 'command'), '');
    expect((await bench.run()).exitCode).toBe(0);
    expect(handler.system).toContain('`solstice output` and `solstice fail` cannot be used in this worker');
  });
});

describe('solstice fail', () => {
  it('ends the job with the reason, for good, though the script would go on', async () => {
    const handler = new RecordingHandler(
      assignmentOf([`solstice fail 'no disk left' || true; ${forEver}`, 'echo never']),
    );
    await run(handler);
    expect(handler.result).toEqual({ state: 'failed', cause: { kind: 'user', reason: 'no disk left' }, final: true });
    expect(handler.system).toContain('The step says that the job has failed: no disk left\n');
    expect(handler.output(1)).toHaveLength(0);
  });

  it('ends it in a step that may fail, too', async () => {
    const step: Partial<Step> = { allowFailure: true, action: { $case: 'run', value: 'solstice fail x' } };
    const handler = new RecordingHandler(assignmentOf([step, 'echo never']));
    await run(handler);
    expect(handler.result).toMatchObject({ state: 'failed', final: true });
  });

  it('can be mended by catch, and is said by catch of the steps', async () => {
    const mended = new RecordingHandler(
      assignmentOf(['solstice fail "no disk"', caught('echo "$CI_ERROR_KIND: $CI_ERROR_REASON"')]),
    );
    await run(mended);
    expect(mended.result).toEqual({ state: 'succeeded' });
    expect(mended.output(1).toString()).toBe('user: no disk\n');
    const said = new RecordingHandler(assignmentOf(['exit 3', caught('solstice fail "it is the disk"')]));
    await run(said);
    expect(said.result).toEqual({ state: 'failed', cause: { kind: 'user', reason: 'it is the disk' }, final: true });
  });

  it('takes no reason that is too long', async () => {
    const handler = new RecordingHandler(assignmentOf([`solstice fail ${'x'.repeat(5_000)} || echo went on`]));
    await run(handler);
    expect(handler.output(0).toString()).toBe('went on\n');
    expect(handler.result).toEqual({ state: 'succeeded' });
  });
});
