import { databaseFor, temporaryDirectory } from '@solstice/testing';
import { expect, test } from 'vitest';
import { ciadm } from '../testing/recorder.js';

test('migrate: says what is pending, applies it, finds nothing more; the address stays secret', async (context) => {
  const url = await databaseFor(context, { key: 'empty', prepare: async () => undefined });
  const directory = await temporaryDirectory();
  context.onTestFinished(() => directory.remove());
  const env = { SOLSTICE_DATABASE_URL: url, SOLSTICE_DATA_DIR: directory.path };
  const before = await ciadm(['migrate', '--status'], { env });
  expect(before).toMatchObject({ code: 1, stderr: '' });
  expect(before.stdout).toMatch(/^pending {2}000001_/);
  const applied = await ciadm(['migrate'], { env });
  expect(applied).toMatchObject({ code: 0, stderr: '' });
  expect(applied.stdout).toBe(before.stdout.replaceAll('pending', 'applied'));
  expect(await ciadm(['migrate'], { env })).toMatchObject({ code: 0, stdout: 'Up to date.\n' });
  const after = await ciadm(['migrate', '--status', '--json'], { env });
  expect(JSON.parse(after.stdout)).toMatchObject({ pending: [], unknown: [], edited: [] });

  const away = 'postgres://solstice:a-canary-of-a-password@127.0.0.1:1/solstice';
  const failed = await ciadm(['migrate'], { env: { ...env, SOLSTICE_DATABASE_URL: away } });
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain('database-unavailable');
  expect(failed.stderr + failed.stdout).not.toContain('canary');
});

test('the embedded database needs none', async () => {
  const { code, stdout } = await ciadm(['migrate', '--status']);
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('at each start') });
});
