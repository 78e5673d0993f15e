import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Installation } from './harness/installation.js';
import { ciadm, SolsticeProcess } from './harness/solstice-process.js';

/** What an operator meets who starts it wrongly: each refusal names the place, the cause and the way out. */
describe('solstice up', () => {
  let installation: Installation;

  beforeEach(async () => {
    installation = await Installation.create({ backend: 'process' });
  });
  afterEach(async () => {
    await installation.remove();
  });

  const startWith = (name: string, settings: string, args: string[] = [], operatorListen = '127.0.0.1:0') => {
    const settingsFile = join(installation.directory, `${name}.kdl`);
    const dataDirectory = join(installation.directory, name);
    writeFileSync(
      settingsFile,
      `data_dir ${JSON.stringify(dataDirectory)}\nlisten "127.0.0.1:0"\noperator_listen "${operatorListen}"\nhost id=${JSON.stringify(installation.hostId)} backend="process"\n${settings}\n`,
    );
    return SolsticeProcess.start({ dataDirectory, settingsFile, args });
  };

  test('refuses a data directory that is in use, and says by which process', async () => {
    const { dataDirectory, settingsFile, solstice } = installation;
    await expect(SolsticeProcess.start({ dataDirectory, settingsFile })).rejects.toThrow(
      new RegExp(`exited with 1[\\s\\S]*pid ${solstice.addresses.pid}[\\s\\S]*data-directory-in-use`),
    );
  });

  test('refuses a forge without a webhook secret, unless --dev says that it is meant', async () => {
    await expect(startWith('bare', 'forge "open" kind="git"')).rejects.toThrow(
      /exited with 1[\s\S]*forge open[\s\S]*webhook-secret-missing[\s\S]*webhook_secret_file/,
    );
    const dev = await startWith('bare', 'forge "open" kind="git"', ['--dev']);
    const body = JSON.stringify({ repository: 'nobody' });
    const headers = { 'content-type': 'application/json', 'x-solstice-event': 'push', 'x-solstice-delivery': '1' };
    const answer = await fetch(`${dev.addresses.public}/webhooks/open`, { method: 'POST', headers, body });
    expect(answer.status).not.toBe(401);
    expect(await dev.kill('SIGTERM')).toBe(0);
  });

  test('tells every problem of the settings at once, each with its place', async () => {
    await expect(startWith('typos', 'liste "127.0.0.1:0"\nhost slots="many"')).rejects.toThrow(
      /exited with 1[\s\S]*typos\.kdl:5:1[\s\S]*liste[\s\S]*typos\.kdl:6:/,
    );
  });

  test('refuses an address that is taken', async () => {
    const port = new URL(installation.solstice.addresses.operator).port;
    await expect(startWith('taken', '', [], `127.0.0.1:${port}`)).rejects.toThrow(
      new RegExp(`exited with 1[\\s\\S]*127\\.0\\.0\\.1:${port}[\\s\\S]*address-in-use`),
    );
  });

  test('ends in order on SIGTERM, and ciadm then says that nothing runs there', async () => {
    expect(await installation.solstice.kill('SIGTERM')).toBe(0);
    expect(existsSync(join(installation.dataDirectory, 'addresses.json'))).toBe(false);
    const status = await ciadm(installation.solstice, 'status');
    expect(status.exitCode).toBe(4);
    expect(status.stderr).toContain('api-unreachable');
    await installation.start();
    expect((await ciadm(installation.solstice, 'doctor')).exitCode).toBe(0);
  });

  test('answers 401 for a webhook without a signature, and 404 for a forge that it does not know', async () => {
    const post = (path: string) =>
      fetch(`${installation.solstice.addresses.public}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-solstice-event': 'push', 'x-solstice-delivery': '1' },
        body: '{}',
      });
    expect((await post('/webhooks/local')).status).toBe(401);
    expect((await post('/webhooks/nosuch')).status).toBe(404);
  });
});
