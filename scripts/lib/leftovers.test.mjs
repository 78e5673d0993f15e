import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeTemporaryRoot, takeLeftovers } from './leftovers.mjs';

it('a run that left nothing is told nothing', async () => {
  const folder = makeTemporaryRoot();
  expect(await takeLeftovers(folder)).toEqual([]);
  expect(existsSync(folder)).toBe(false);
});

it('what a run left is named, and taken away', async () => {
  const folder = makeTemporaryRoot();
  writeFileSync(join(folder, 'solstice-test-x'), '');
  const left = spawn('sleep', ['1000'], { env: { ...process.env, TMPDIR: folder }, detached: true, stdio: 'ignore' });
  const ended = new Promise((resolve) => left.once('exit', (_, signal) => resolve(signal)));
  await new Promise((resolve) => left.once('spawn', resolve));
  expect(await takeLeftovers(folder, 0)).toEqual([
    `process ${left.pid}: sleep 1000`,
    'file or directory: solstice-test-x',
  ]);
  expect(await ended).toBe('SIGKILL');
  expect(existsSync(folder)).toBe(false);
});
