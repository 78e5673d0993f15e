import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { World } from '@solstice/api/testing';
import { SolsticeError } from '@solstice/common/errors';
import { eventually } from '@solstice/testing';
import { describe, expect, test } from 'vitest';
import { run } from './run.js';
import { ciadm, Recorder, testIo } from './testing/recorder.js';
import { served } from './testing/served.js';

const exec = promisify(execFile);

describe('looking', () => {
  test('status, runs, run, hosts, why: for people and as JSON', async () => {
    const { world, call } = await served();
    await world.plan({ jobs: { build: [], test: ['build'] }, title: 'Mend the \u001b[31mthing' });
    const worker = await world.work();
    await worker.stepStarted(0);
    await worker.stepFinished(0, 3);
    await worker.finish({ state: 'failed', cause: { kind: 'exit', step: 0, stepName: 'Compile', exitCode: 3 } });

    expect((await call(['status'])).stdout).toMatch(/runs +0 running, 0 queued/);
    expect(JSON.parse((await call(['status', '--json'])).stdout)).toMatchObject({ version: '9.9.9' });

    const { stdout: runs } = await call(['runs'], { columns: 80 });
    expect(runs).toMatch(/RUN +STATE/);
    expect(runs).toMatch(/1 +failed +ci +acme\/app +main +c0ffee00/);
    for (const line of runs.split('\n')) expect([...line].length).toBeLessThanOrEqual(80);
    expect(runs).not.toContain('\u001b');

    const short = await call(['run', '1']);
    expect(short).toEqual(await call(['run', 'show', '1']));
    expect(short.stdout).toMatch(/1\. failed +Compile +exit 3/);
    expect(short.stdout).toMatch(/test {2}skipped/);
    // What never began waits for nothing any more.
    expect(short.stdout).not.toContain('waiting');
    expect(short.stdout).toMatch(/1\. skipped/);
    expect(JSON.parse((await call(['run', '1', '--json'])).stdout)).toMatchObject({ number: 1, state: 'failed' });

    expect((await call(['hosts'])).stdout).toMatch(/alder +active +0\/64/);
    const { stdout: why } = await call(['why', '1']);
    expect(why).toContain('exited with 3');
    expect(why).toMatch(/job test +skipped/);
    expect((await call(['runs', '--repository', 'acme/app', '--state', 'queued'])).stderr).toBe('No runs.\n');
  });

  test('what is not there: 3', async () => {
    const { call } = await served();
    for (const argv of [
      ['run', '7'],
      ['logs', '7'],
      ['why', '7'],
      ['cancel', '7'],
      ['webhooks', 'show', 'x'],
      ['trigger', 'x'],
    ]) {
      expect({ argv, code: (await call(argv)).code }).toEqual({ argv, code: 3 });
    }
  });

  test('a wrong token: 4, and it is not printed', async () => {
    const { call, directory } = await served();
    const file = join(directory, 'wrong.token');
    await writeFile(file, 'a-canary-of-a-token');
    const { code, stdout, stderr } = await call(['status', '--token-file', file]);
    expect(code).toBe(4);
    expect(stderr).toContain('api-unauthorised');
    expect(stdout + stderr).not.toContain('canary');
  });

  test('a server that is gone: 4', async () => {
    const { call, server } = await served();
    await server.close();
    expect((await call(['status'])).code).toBe(4);
  });

  test('address and token from variables, without any data directory', async () => {
    const { server, data } = await served();
    const env = { SOLSTICE_URL: server.operatorUrl, SOLSTICE_TOKEN_FILE: join(data, 'operator.token') };
    expect(await ciadm(['status'], { env })).toMatchObject({ code: 0, stderr: '' });
  });

  test('webhooks list and show', async () => {
    const { world, call } = await served();
    const repository = await world.repository();
    const { delivery } = await world.store.deliveries.accept({
      forge: 'local',
      forgeDeliveryId: 'd-1',
      eventName: 'issues',
      repositoryId: repository.id,
      event: undefined,
      reason: 'issues events are not used',
      twinKey: undefined,
      body: new Uint8Array(),
    });
    expect((await call(['webhooks', 'list'])).stdout).toMatch(/ignored +local +issues +acme\/app .*not used/);
    expect((await call(['webhooks', 'list', '--state', 'planned'])).stderr).toBe('No deliveries.\n');
    expect((await call(['webhooks', 'show', delivery.id])).stdout).toMatch(/reason +issues events are not used/);
  });
});

describe('logs', () => {
  test('for people: headings, marks, no escape sequences; --raw: the bytes and nothing else', async () => {
    const { world, call } = await served();
    await world.plan();
    const worker = await world.work();
    const odd = Buffer.from([0, 0xff, 0x1b, 0x5b, 0x33, 0x31, 0x6d, 0x0a, 0xc3]);
    await worker.print('checking out\n', 'system');
    await worker.print('com');
    await worker.print('piled\n');
    await worker.print('careful\n', 'stderr');
    await worker.print(odd, 'stdout', 1);
    const { code, stdout } = await call(['logs', '1']);
    expect(code).toBe(0);
    expect(stdout).toBe(
      '* checking out\n── step 1: Compile\n  compiled\n! careful\n── step 2: Test\n  ␀\ufffd\n  \ufffd\n',
    );
    const raw = await call(['logs', '1', '--raw']);
    expect(raw.bytes).toEqual(Buffer.concat([Buffer.from('compiled\ncareful\n'), odd]));
    expect((await call(['logs', '1', '--raw', '--step', '2'])).bytes).toEqual(odd);
    const lines = (await call(['logs', '1', '--json'])).stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ kind }) => kind)).toEqual(['run', 'log', 'log', 'log', 'log', 'log', 'end']);
    expect(Buffer.from(lines[5].data, 'base64')).toEqual(odd);
    expect((await call(['logs', '1', '--step', '9'])).code).toBe(3);
  });

  test('several jobs: each line says whose it is', async () => {
    const { world, call } = await served();
    await world.plan({ jobs: { left: [], right: [] } });
    await (await world.work()).print('a\n');
    await (await world.work()).print('b\n');
    const { stdout } = await call(['logs', '1']);
    expect(stdout).toContain('left |   a\n');
    expect(stdout).toContain('right |   b\n');
  });

  test.each([
    ['succeeded', 0],
    ['failed', 1],
  ] as const)('-f goes on until the run has %s: %d', async (state, expected) => {
    const { world, call } = await served();
    await world.plan();
    const worker = await world.work();
    const stdout = new Recorder();
    const following = call(['logs', '1', '-f', '--raw'], { stdout });
    await worker.print('one ');
    await eventually(() => stdout.bytes.toString() === 'one ');
    await worker.print('two ');
    const cause = { kind: 'exit', step: 0, stepName: 'Compile', exitCode: 1 } as const;
    await worker.finish(state === 'failed' ? { state, cause } : { state });
    expect((await following).code).toBe(expected);
    expect(stdout.bytes.toString()).toBe('one two ');
  });

  test('-f --job ends with the job, not with the run', async () => {
    const { world, call } = await served();
    await world.plan({ jobs: { left: [], right: [] } });
    const left = await world.work();
    const right = await world.work();
    const following = call(['logs', '1', '-f', '--job', 'left']);
    await left.print('done\n');
    await left.finish();
    const { code, stderr } = await following;
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'job left of run 1 succeeded\n' });
    await right.finish();
  });

  test('Ctrl-C of -f: 130, and no words about it', async () => {
    const { world, data } = await served();
    await world.plan();
    await (await world.work()).print('one\n');
    const interrupt = new AbortController();
    const [stdout, stderr] = [new Recorder(), new Recorder()];
    const io = testIo({ stdout, stderr, interrupted: interrupt.signal });
    const following = run(['logs', '1', '-f', '--data-dir', data], io);
    await eventually(() => stdout.bytes.toString().includes('one'));
    interrupt.abort();
    expect(await following).toBe(130);
    expect(stderr.bytes.toString()).toBe('');
  });

  test('a reader that leaves in the middle ends -f, without an error', async () => {
    const { world, data } = await served();
    await world.plan();
    await (await world.work()).print('one\n');
    const stderr = new Recorder();
    const io = testIo({ stdout: new Recorder('EPIPE'), stderr });
    expect(await run(['logs', '1', '-f', '--data-dir', data], io)).toBe(0);
    expect(stderr.bytes.toString()).toBe('');
  });
});

describe('steering', () => {
  test('cancel: says who, and why; a run that is over refuses: 5', async () => {
    const { world, call } = await served();
    await world.plan();
    const { code, stdout } = await call(['cancel', '1', '--reason', 'wrong branch'], { env: { USER: 'ada' } });
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'run 1 cancelled\n' });
    expect((await call(['run', '1'])).stdout).toContain('cancelled by ada: wrong branch');
    const again = await call(['cancel', '1', '--json']);
    expect(again.code).toBe(5);
    expect(JSON.parse(again.stderr)).toMatchObject({ error: { code: 'refused', state: 'cancelled' } });
  });

  test('trigger --wait: 0 when it succeeds, 1 when it does not, 1 when there is no run', async () => {
    let world: World | undefined;
    const { world: made, call } = await served({
      operator: {
        trigger: async ({ workflow }) =>
          workflow === 'none' || !world
            ? { runs: [], reason: 'no workflow is called none' }
            : { runs: [await world.plan()] },
      },
    });
    world = made;
    await world.repository();
    for (const [result, expected] of [
      ['succeeded', 0],
      ['failed', 1],
    ] as const) {
      const waiting = call(['trigger', 'acme/app', '--wait']);
      const worker = await eventually(() => made.work().catch(() => undefined));
      const cause = { kind: 'out-of-memory' } as const;
      await worker.finish(result === 'failed' ? { state: result, cause } : { state: result });
      const { code, stdout, stderr } = await waiting;
      expect(code).toBe(expected);
      expect(stdout).toMatch(/^run \d+ {2}http/);
      expect(stderr).toContain(`build ${result}`);
    }
    const none = await call(['trigger', 'acme/app', '--workflow', 'none']);
    expect(none).toMatchObject({ code: 1, stderr: 'No run: no workflow is called none\n' });
  });
});

test('trigger --input: as often as there are inputs, with anything as their value; what is wrong is named', async () => {
  const asked: unknown[] = [];
  const { world, call } = await served({
    operator: {
      trigger: async ({ workflow, inputs }) => {
        asked.push([workflow, inputs]);
        if (inputs?.level === 'loud') {
          throw new SolsticeError('usage', 'Workflow "Deploy": input "level" is one of info, debug, and not "loud".', {
            hint: 'Its inputs: level (info or debug).',
          });
        }
        return { runs: [], reason: 'seen' };
      },
    },
  });
  await world.repository();
  const trigger = (...more: string[]) => call(['trigger', 'acme/app', '--workflow', 'Deploy', ...more]);
  await trigger('--input', 'level=debug', '--input', 'note=a = b', '--input', 'empty=');
  await trigger();
  expect(asked).toEqual([
    ['Deploy', { level: 'debug', note: 'a = b', empty: '' }],
    ['Deploy', undefined],
  ]);
  const wrong = await trigger('--input', 'level=loud');
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain('input "level" is one of info, debug, and not "loud"');
  expect(wrong.stderr).toContain('Its inputs: level (info or debug).');
  for (const [text, said] of [
    ['level', 'level=debug'],
    ['=x', 'level=debug'],
  ] as const) {
    const { code, stderr } = await trigger('--input', text);
    expect([code, stderr]).toEqual([2, expect.stringContaining(said)]);
  }
  expect((await trigger('--input', 'a=1', '--input', 'a=2')).stderr).toContain('"a" is there twice');
  expect(asked).toHaveLength(3);
});

describe('repo', () => {
  test('add with a secret and a hook: what git then starts, and a secret that is nowhere to be read', async () => {
    const sealed: string[] = [];
    const { call, server, directory, data } = await served({
      operator: {
        sealSecret: (secret) => {
          sealed.push(secret);
          return Uint8Array.of(1);
        },
      },
    });
    await exec('git', ['init', '--quiet', '--bare', join(directory, "it's.git")]);
    // What git starts: writes down how it was called and what it was given.
    const solstice = join(directory, 'fake solstice');
    await writeFile(
      solstice,
      `#!/bin/sh\n{ for word; do echo "$word"; done; cat; } > '${join(directory, 'called')}'\n`,
    );
    await chmod(solstice, 0o755);
    const path = join(directory, "it's.git");
    const argv = ['repo', 'add', 'acme/tool', '--path', path, '--generate-secret', '--install-hook'];
    const added = await call(argv, { solsticeCommand: [solstice] });
    expect(added).toMatchObject({ code: 0, stderr: '' });
    expect(added.stdout).toContain(`${server.publicUrl}/webhooks/local`);

    const folder = join(data, 'webhook-secrets');
    const [name = ''] = await readdir(folder);
    const file = join(folder, name);
    const secret = (await readFile(file, 'utf8')).trim();
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(sealed).toEqual([secret]);
    expect(added.stdout).toContain(file);

    const again = await call([...argv, '--json'], { solsticeCommand: [solstice] });
    const list = await call(['repo', 'list']);
    expect(list.stdout).toMatch(/local +acme\/tool +operator +repository/);
    expect(sealed).toEqual([secret, secret]);
    for (const { stdout, stderr } of [added, again, list]) expect(stdout + stderr).not.toContain(secret);

    const work = join(directory, 'work');
    const git = (...words: string[]) =>
      exec('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'init.defaultBranch=main', ...words]);
    await git('init', '--quiet', work);
    await git('-C', work, 'commit', '--quiet', '--allow-empty', '-m', 'first');
    await git('-C', work, 'push', '--quiet', path, 'HEAD:refs/heads/main');
    const called = (await readFile(join(directory, 'called'), 'utf8')).split('\n');
    expect(called.slice(0, 8)).toEqual([
      'hook',
      'post-receive',
      '--url',
      `${server.publicUrl}/webhooks/local`,
      '--repository',
      'acme/tool',
      '--secret-file',
      file,
    ]);
    expect(called[8]).toMatch(/^0{40} [0-9a-f]{40} refs\/heads\/main$/);
  });

  test("somebody else's hook is left alone: 5", async () => {
    const { call, directory } = await served();
    const path = join(directory, 'app.git');
    await exec('git', ['init', '--quiet', '--bare', path]);
    await writeFile(join(path, 'hooks', 'post-receive'), '#!/bin/sh\nmail\n');
    const { code, stderr } = await call(['repo', 'add', 'app', '--path', path, '--generate-secret', '--install-hook']);
    expect(code).toBe(5);
    expect(stderr).toContain('is there already and is not ours');
    expect(await readFile(join(path, 'hooks', 'post-receive'), 'utf8')).toBe('#!/bin/sh\nmail\n');
  });

  test('without any secret: refused, with what to add', async () => {
    const { call } = await served();
    const { code, stderr } = await call(['repo', 'add', 'app', '--path', '/srv/app.git']);
    expect(code).toBe(1);
    expect(stderr).toContain('webhook-secret-missing');
    expect(stderr).toContain('--generate-secret');
  });

  test('a secret from a file of mine', async () => {
    const { call, directory } = await served();
    await writeFile(join(directory, 'mine'), 'a-canary-of-a-secret\n');
    const argv = ['repo', 'add', 'app', '--path', '/srv/app.git', '--secret-file', join(directory, 'mine')];
    const { code, stdout, stderr } = await call(argv);
    expect(code).toBe(0);
    expect(stderr).toContain('--install-hook');
    expect(stdout + stderr).not.toContain('canary');
    expect((await call([...argv.slice(0, -1), '/nowhere/secret'])).code).toBe(2);
  });
});

describe('doctor', () => {
  test('with a server: what is seen here and what it says itself', async () => {
    const { call, data } = await served();
    const { code, stdout } = await call(['doctor']);
    expect(stdout).toMatch(/ok +server +operator API: answers, version 9\.9\.9/);
    expect(stdout).toMatch(/ok +server +workers: processes/);
    expect(stdout).toMatch(new RegExp(`ok +here +server: process ${process.pid}, http`));
    expect(stdout).toMatch(new RegExp(`ok +here +operator token: ${data}/operator.token`));
    expect(code).toBe(0);
  });

  test('without one: what is there, and what should be mended', async () => {
    const { call, data, server } = await served();
    await server.close();
    await chmod(join(data, 'operator.token'), 0o644);
    const addresses = { public: server.publicUrl, operator: server.operatorUrl, pid: 999_999_999 };
    await writeFile(join(data, 'addresses.json'), JSON.stringify(addresses));
    await mkdir(join(data, 'postgres', 'cluster'), { recursive: true });
    await writeFile(join(data, 'postgres', 'cluster', 'PG_VERSION'), '18\n');
    await writeFile(join(data, 'postgres', 'cluster', 'postmaster.pid'), '999999999\n');
    const { code, stdout } = await call(['doctor', '--json']);
    const { items } = JSON.parse(stdout) as { items: { name: string; state: string; detail: string }[] };
    const states = Object.fromEntries(items.map(({ name, state }) => [name, state]));
    expect(states).toMatchObject({
      node: 'ok',
      git: 'ok',
      settings: 'ok',
      'data directory': 'ok',
      server: 'warn',
      'operator token': 'fail',
      database: 'warn',
      'operator API': 'warn',
    });
    expect(items.find(({ name }) => name === 'database')?.detail).toBe('embedded, PostgreSQL 18, not stopped in order');
    expect(code).toBe(1);
  });

  test('settings that are wrong are one finding, not the end', async () => {
    const { call, directory } = await served();
    const file = join(directory, 'solstice.kdl');
    await writeFile(file, 'nonsense 1\n');
    const { code, stdout } = await call(['doctor', '--config', file]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/fail +here +settings: .*nonsense/);
    expect(stdout).toMatch(/ok +here +data directory/);
  });
});
