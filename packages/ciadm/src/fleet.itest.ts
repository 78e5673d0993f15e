import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { World } from '@solstice/api/testing';
import { systemClock } from '@solstice/common/clock';
import { createPostgresStore, migrate, type NewDeadLetter } from '@solstice/common/store';
import { createLogger } from '@solstice/common/telemetry';
import { databaseFor, eventually } from '@solstice/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { run } from './run.js';
import { ciadm, Recorder, testIo } from './testing/recorder.js';
import { type ServedHere, served } from './testing/served.js';

/** A server on PostgreSQL, as in a fleet, with host alder. */
async function fleet(): Promise<ServedHere> {
  const prepare = async (url: string): Promise<void> => {
    await migrate(url);
  };
  const url = await databaseFor({ onTestFinished }, { key: 'solstice', prepare });
  const store = await createPostgresStore({ url, logger: createLogger({ level: 'silent' }) });
  onTestFinished(() => store.close());
  const here = await served({}, new World(systemClock, store));
  await here.world.registerHost();
  return here;
}

describe('hosts', () => {
  test('hosts and host: what there is, for people and as JSON', async () => {
    const { world, call } = await fleet();
    await world.plan({ jobs: { build: [] } });
    const worker = await world.work();
    const renewal = { id: 'alder', instance: 'first', leaseMs: 600_000, holding: [], notes: ['Docker is away'] };
    await world.store.hosts.renew({
      ...renewal,
      load: { load1: 1.5, memoryFreeBytes: 2 ** 31, diskFreeBytes: 2 ** 33 },
    });
    const { stdout } = await call(['hosts'], { clock: systemClock, columns: 120 });
    expect(stdout).toMatch(/HOST +STATE +SLOTS +CPUS +MEMORY +LOAD +LEASE +POOLS/);
    expect(stdout).toMatch(/alder +active +1\/64 +1\/64 +0\.0\/1\.0 GiB +1\.50 +\d+ s ago +\* \(process\)/);
    expect(stdout).toContain('alder: Docker is away\n');
    const shown = await call(['host', 'alder'], { clock: systemClock });
    expect(shown.stdout).toMatch(/load +1\.50, 2\.0 GiB of memory and 8\.0 GiB of disk free/);
    expect(shown.stdout).toMatch(/lease +renewed \d+ s ago, good until /);
    expect(shown.stdout).toMatch(new RegExp(`1 +build +1 +running +\\* +${worker.workerId}`));
    expect(JSON.parse((await call(['host', 'show', 'alder', '--json'])).stdout)).toMatchObject({
      id: 'alder',
      workers: [{ run: 1, job: 'build', live: true }],
    });
    await worker.finish();
    expect((await call(['host', 'alder'])).stdout).toContain('Nothing runs there.');
    const { stdout: status } = await call(['status']);
    expect(status).toMatch(/hosts +1 of 1 alive\n/);
    expect(status).toMatch(/room +0 of 64 slots, 0 of 64 cpus, 0\.0 GiB of 1\.0 GiB memory taken/);
  });

  test('drain, cordon, resume: who, why and until when, told at once', async () => {
    const { world, call } = await fleet();
    await world.plan();
    await world.work();
    const as = { clock: systemClock, env: { USER: 'ada' } };
    const drained = await call(['drain', 'alder', '--for', '10m', '--reason', 'a new disk'], as);
    expect(drained).toMatchObject({ code: 0, stderr: '' });
    expect(drained.stdout).toMatch(
      /^alder is draining: it takes nothing new; 1 job goes on; what still runs in 10 min is handed back\n$/,
    );
    expect((await call(['hosts'], as)).stdout).toMatch(/alder: draining by ada, until .*Z: a new disk/);
    expect((await call(['host', 'alder'], as)).stdout).toMatch(
      /state +draining since .* by ada: a new disk\n +until +.*in 10 min/,
    );
    expect((await call(['status'])).stdout).toMatch(/1 of 1 alive \(1 draining\)/);
    expect((await call(['cordon', 'alder'])).stdout).toBe('alder is cordoned: it takes nothing new; 1 job goes on\n');
    expect((await call(['resume', 'alder'])).stdout).toBe('alder is active: it takes work again\n');
    const json = JSON.parse((await call(['cordon', 'alder', '--json'], as)).stdout);
    expect(json).toMatchObject({ host: { state: 'cordoned', stateChange: { by: 'ada' } } });
    const [row] = await world.store.hosts.list();
    expect(row).toMatchObject({ state: 'cordoned', stateChange: { by: 'ada' } });
  });

  test('one that is not there: 3, with the names of those that are', async () => {
    const { call } = await fleet();
    for (const argv of [
      ['host', 'aldre'],
      ['host', 'remove', 'aldre'],
      ['drain', 'aldre'],
      ['cordon', 'aldre'],
      ['resume', 'aldre'],
    ]) {
      const { code, stdout, stderr } = await call(argv);
      expect({ argv, code, stdout }).toEqual({ argv, code: 3, stdout: '' });
      expect(stderr).toBe('ciadm: There is no host "aldre". [not-found]\n  Did you mean alder? There is alder.\n');
    }
  });

  test('host remove: 5 while it is alive, with the way out; then it is forgotten', async () => {
    const { world, call } = await fleet();
    const refused = await call(['host', 'remove', 'alder', '--json']);
    expect(refused.code).toBe(5);
    expect(JSON.parse(refused.stderr)).toMatchObject({ error: { code: 'refused', state: 'active' } });
    await world.store.hosts.leave('alder', 'first');
    expect((await call(['hosts'])).stdout).toMatch(/alder +gone/);
    const told = await call(['drain', 'alder']);
    expect(told).toMatchObject({ code: 0, stderr: expect.stringContaining('does not answer now') });
    expect(await call(['host', 'remove', 'alder'])).toMatchObject({ code: 0, stdout: 'alder is forgotten\n' });
    expect(await call(['hosts'])).toMatchObject({ code: 0, stdout: '', stderr: 'No host has registered yet.\n' });
    expect((await call(['host', 'alder'])).stderr).toContain('No host has registered yet.');
  });

  test.each(['ten', '10', '-5m', '0.5h'])('drain --for %s is called wrongly: 2', async (time) => {
    const { call } = await served();
    expect(await call(['drain', 'alder', `--for=${time}`])).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('drain --wait', () => {
  test('ends when the last worker has been taken away', async () => {
    const { world, call } = await fleet();
    await world.plan({ jobs: { left: [], right: [] } });
    const [left, right] = [await world.work(), await world.work()];
    const stdout = new Recorder();
    const waiting = call(['drain', 'alder', '--wait'], { stdout });
    const says = (text: string) => eventually(() => stdout.bytes.toString().includes(text), { describe: text });
    await says('waiting for 2 jobs: run 1 left, run 1 right');
    await left.finish();
    await says('waiting for 1 job: run 1 right');
    await world.store.attempts.finish(right.fence, { state: 'succeeded' });
    await says('waiting for 1 worker to be taken away');
    await world.store.attempts.releaseWorker(right.workerId);
    expect((await waiting).code).toBe(0);
    expect(stdout.bytes.toString()).toMatch(/nothing runs on alder any more\n$/);
    const idle = await call(['drain', 'alder', '--wait', '--json']);
    expect(JSON.parse(idle.stdout)).toMatchObject({ host: { state: 'draining', workers: [] } });
  });

  test('Ctrl-C ends the watching: 130, and the host drains on', async () => {
    const { world, data } = await fleet();
    await world.plan();
    await world.work();
    const interrupt = new AbortController();
    const [stdout, stderr] = [new Recorder(), new Recorder()];
    const io = testIo({ stdout, stderr, interrupted: interrupt.signal });
    const waiting = run(['drain', 'alder', '--wait', '--data-dir', data], io);
    await eventually(() => stdout.bytes.toString().includes('waiting for 1 job'));
    interrupt.abort();
    expect(await waiting).toBe(130);
    expect(stderr.bytes.toString()).toBe('alder is still draining; ciadm host alder shows what runs there.\n');
    expect((await world.store.hosts.list())[0]).toMatchObject({ state: 'draining' });
  });

  test('somebody resumes it, or it dies: there is nothing to wait for', async () => {
    const { world, call } = await fleet();
    await world.plan();
    const worker = await world.work();
    const stdout = new Recorder();
    const waiting = call(['drain', 'alder', '--wait'], { stdout });
    await eventually(() => stdout.bytes.toString().includes('waiting for 1 job'));
    await call(['resume', 'alder'], { env: { USER: 'ada' } });
    expect(await waiting).toMatchObject({ code: 5, stderr: 'alder takes work again, since ada resumed it.\n' });
    const again = new Recorder();
    const second = call(['drain', 'alder', '--wait'], { stdout: again });
    await eventually(() => again.bytes.toString().includes('waiting for 1 job'));
    await worker.lose('its host is gone');
    await world.store.hosts.leave('alder', 'first');
    expect(await second).toMatchObject({ code: 0 });
  });
});

describe('why', () => {
  test('has what each host says to the jobs that are queued, once for all that hear the same', async () => {
    const { world, call } = await fleet();
    await world.plan({ jobs: { build: [], lint: [], test: ['build'] } });
    await call(['cordon', 'alder', '--reason', 'a new disk'], { env: { USER: 'ada' } });
    const { stdout } = await call(['why', '1']);
    expect(stdout).toMatch(/What each host says to job build, job lint:\nHOST +ANSWER\nalder +is cordoned/);
    expect(stdout.match(/ANSWER/g)).toHaveLength(1);
    expect(JSON.parse((await call(['why', '1', '--json'])).stdout).reasons[0].hosts).toEqual([
      { hostId: 'alder', reason: expect.stringContaining('is cordoned') },
    ]);
  });
});

describe('dead letters', () => {
  const letter = (text: string): NewDeadLetter => ({
    queue: 'solstice.jobs.default.v1',
    routingKey: 'default',
    reason: 'version: \u001b[31mInvalid input',
    body: new TextEncoder().encode(text),
    at: new Date('2026-01-02T03:00:00.000Z'),
  });

  test('list, show, replay, drop', async () => {
    const { world, call } = await fleet();
    expect(await call(['dead', 'list'])).toMatchObject({ code: 0, stdout: '', stderr: 'No dead letters.\n' });
    expect(await call(['dead', 'replay', '--all'])).toMatchObject({ code: 0, stderr: 'No dead letters.\n' });
    const host = JSON.stringify({ kind: 'host', version: 1, hostId: 'alder' });
    const { id } = await world.store.deadLetters.add(letter(host));
    const { id: odd } = await world.store.deadLetters.add(letter('\u001b[2J{'));
    const list = await call(['dead', 'list', '--limit', '1']);
    expect(list.stdout).toMatch(new RegExp(`${odd} +4 min ago +solstice\\.jobs\\.default\\.v1 +5 +version: `));
    expect(list.stdout).not.toContain('\u001b');
    expect(list.stderr).toBe('1 more; --limit shows them.\n');
    const shown = await call(['dead', 'show', id]);
    expect(shown.stdout).toContain(host);
    expect((await call(['dead', 'show', odd])).stdout).not.toContain('\u001b');
    expect((await call(['status'])).stdout).toMatch(/dead +2 could not be read/);
    expect((await call(['doctor'])).stdout).toMatch(/warn +server +dead letters: 2 messages could not be read/);
    const replay = await call(['dead', 'replay', '--all']);
    expect(replay).toMatchObject({ code: 5, stdout: `dead letter ${id} is sent again\n` });
    expect(replay.stderr).toContain(`Dead letter ${odd} still cannot be read`);
    expect(await call(['dead', 'drop', odd])).toMatchObject({ code: 0, stdout: `dead letter ${odd} is dropped\n` });
    for (const argv of [
      ['show', odd],
      ['drop', odd],
      ['replay', odd],
    ]) {
      expect((await call(['dead', ...argv])).code).toBe(3);
    }
    for (const argv of [['replay'], ['replay', id, '--all'], ['drop']]) {
      expect((await call(['dead', ...argv])).code).toBe(2);
    }
  });
});

describe('a server elsewhere', () => {
  test('doctor looks at the fleet and not at what lies about here', async () => {
    const { world, server, data, call } = await fleet();
    await call(['drain', 'alder', '--reason', 'a new disk'], { env: { USER: 'ada' } });
    await world.plan();
    const env = { SOLSTICE_URL: server.operatorUrl, SOLSTICE_TOKEN_FILE: join(data, 'operator.token') };
    const { code, stdout } = await ciadm(['doctor'], { env });
    expect(stdout).toMatch(/ok +here +operator token: .*operator\.token/);
    expect(stdout).toMatch(/ok +server +host alder: draining by ada \(a new disk\), 0 of 64 slots taken/);
    expect(stdout).toMatch(/warn +server +pool default: 1 job waits and no host takes work for it/);
    expect(stdout).not.toMatch(/data directory|here +server|here +database/);
    expect(code).toBe(0);
    await world.store.hosts.leave('alder', 'first');
    expect((await ciadm(['doctor'], { env })).stdout).toMatch(/warn +server +host alder: does not renew its lease/);
  });

  test('its token as the settings of this machine say it', async () => {
    const { server, directory, data } = await served();
    const config = join(directory, 'solstice.kdl');
    await writeFile(config, `operator_token_file "${join(data, 'operator.token')}"\n`);
    expect(await ciadm(['status', '--url', server.operatorUrl, '--config', config])).toMatchObject({ code: 0 });
  });

  test('without a token, or with nobody there: 4, and what to set', async () => {
    const { server, directory } = await served();
    const env = { SOLSTICE_URL: server.operatorUrl, SOLSTICE_DATA_DIR: directory };
    const tokenless = await ciadm(['status'], { env });
    expect(tokenless.code).toBe(4);
    expect(tokenless.stderr).toMatch(
      /operator\.token cannot be read \(ENOENT\)\. \[api-unauthorised\]\n.*SOLSTICE_TOKEN_FILE/,
    );
    const lost = await ciadm(['status'], { env: { SOLSTICE_DATA_DIR: directory } });
    expect(lost).toMatchObject({ code: 4, stderr: expect.stringContaining('SOLSTICE_URL') });
  });

  test.each([502, 503, 504])(
    'a proxy that has nobody behind it (%d) is a server that does not answer',
    async (status) => {
      const proxy = createServer((_request, response) => response.writeHead(status).end('<h1>Bad gateway</h1>'));
      await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
      onTestFinished(() => void proxy.close());
      const { directory } = await served();
      await writeFile(join(directory, 'token'), 'a-token-for-tests-0123456789');
      const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
      const { code, stderr } = await ciadm(['status', '--url', url, '--token-file', join(directory, 'token')]);
      expect(code).toBe(4);
      expect(stderr).toContain(`${url} does not answer (status ${status}).`);
    },
  );
});
