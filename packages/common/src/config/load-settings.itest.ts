import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadSettings, thisMachine } from './load-settings.js';
import type { Machine } from './parse-settings.js';

describe('loadSettings', () => {
  let folder: string;
  let machine: Machine;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'solstice-test-settings-'));
    machine = { cpus: 2, memoryBytes: 1e9, hostname: 'alder', uid: 1000, home: folder, workingDirectory: folder };
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const write = (name: string, text: string, mode = 0o600) => {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), mode);
    return join(folder, name);
  };
  const load = (env: Record<string, string> = {}, options: { file?: string } = {}) =>
    loadSettings({ env, machine, ...options });

  it('takes --config before SOLSTICE_CONFIG before ./solstice.kdl before the one in the data directory', async () => {
    const data = { SOLSTICE_DATA_DIR: join(folder, 'data') };
    const places = [];
    const inData = write('data/solstice.kdl', 'log_level "warn"');
    places.push((await load(data)).file);
    const here = write('solstice.kdl', '');
    places.push((await load(data)).file);
    const named = write('named.kdl', '');
    places.push((await load({ ...data, SOLSTICE_CONFIG: named })).file);
    const given = write('given.kdl', '');
    places.push((await load({ ...data, SOLSTICE_CONFIG: named }, { file: 'given.kdl' })).file);
    expect(places).toEqual([inData, here, named, given]);
  });

  it('needs no file', async () => {
    expect(await load()).toMatchObject({ dataDirectory: `${folder}/.local/share/solstice`, forges: [] });
  });

  it('refuses a named file that is not there', async () => {
    await expect(load({ SOLSTICE_CONFIG: 'gone.kdl' })).rejects.toMatchObject({
      code: 'settings-invalid',
      message: `${folder}/gone.kdl cannot be read (ENOENT).`,
    });
  });

  it('reads a secret from a file beside it, and warns when others may read that', async () => {
    write('solstice.kdl', 'forge "a" kind="git" webhook_secret_file="secret"');
    const path = write('secret', 'from the file\n', 0o644);
    const settings = await load();
    expect(settings.forges[0]?.webhookSecret?.reveal()).toBe('from the file');
    expect(settings.warnings).toEqual([
      `${path} holds a secret and has mode 0644: others may read it. Run: chmod 600 ${path}`,
    ]);
  });

  it('knows the machine it runs on', async () => {
    const settings = await loadSettings({ env: { SOLSTICE_CONFIG: write('empty.kdl', '') }, machine: thisMachine() });
    expect(settings.host.cpus).toBeGreaterThan(0);
    expect(settings.host.memoryBytes).toBeGreaterThan(100e6);
    expect(settings.dataDirectory).toMatch(/solstice$/);
  });
});
