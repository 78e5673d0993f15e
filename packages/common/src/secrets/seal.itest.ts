import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadKey, loadOrCreateKey } from './seal.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'solstice-seal-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test('the key is made once, readable by its owner only, and the same from then on', async () => {
  const path = join(directory, 'deep', 'secret.key');
  const first = await loadOrCreateKey(path);
  expect(first).toHaveLength(32);
  expect(await loadOrCreateKey(path)).toEqual(first);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test('twenty at once get one key and leave nothing else behind', async () => {
  const path = join(directory, 'secret.key');
  const keys = await Promise.all(Array.from({ length: 20 }, () => loadOrCreateKey(path)));
  expect(new Set(keys.map((key) => Buffer.from(key).toString('hex'))).size).toBe(1);
  expect(await readdir(directory)).toEqual(['secret.key']);
});

test('a file that holds no key is told, never replaced', async () => {
  const path = join(directory, 'secret.key');
  await writeFile(path, 'half a ke');
  await expect(loadOrCreateKey(path)).rejects.toMatchObject({ code: 'data-directory-unusable' });
});

test('where all nodes must have the same key, a missing one is told, never made', async () => {
  const path = join(directory, 'secret.key');
  await expect(loadKey(path)).rejects.toMatchObject({ code: 'data-directory-unusable' });
  expect(await readdir(directory)).toEqual([]);
  expect(await loadOrCreateKey(path)).toEqual(await loadKey(path));
});
