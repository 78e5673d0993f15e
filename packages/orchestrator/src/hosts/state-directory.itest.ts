import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockDirectory, openStateDirectory } from './state-directory.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'solstice-state-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('one holder at a time; the second is told the first one’s pid; released, it is free', () => {
  const lock = lockDirectory(directory);
  expect(() => lockDirectory(directory)).toThrow(new RegExp(`pid ${process.pid}.*${directory}`));
  lock.release();
  lockDirectory(directory).release();
});

test('the lock of a killed process is free at once', async () => {
  const holder = spawn('/bin/sh', ['-c', `exec 3>>${directory}/lock; flock -n 3 && echo locked && exec sleep 1000`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  expect(() => lockDirectory(directory)).toThrow(/another process/);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  lockDirectory(directory).release();
});

test('the key stays the same for one directory, differs between two, and is readable by its owner only', () => {
  const first = openStateDirectory(join(directory, 'a'));
  first.release();
  const again = openStateDirectory(join(directory, 'a'));
  const other = openStateDirectory(join(directory, 'b'));
  expect(again.keyHash).toEqual(first.keyHash);
  expect(other.keyHash).not.toEqual(first.keyHash);
  expect(statSync(join(directory, 'a', 'key')).mode & 0o777).toBe(0o600);
  again.release();
  other.release();
});

test('below a long path the socket gets a short folder, the same one again', () => {
  const long = join(directory, 'x'.repeat(120));
  const first = openStateDirectory(long);
  first.release();
  const again = openStateDirectory(long);
  again.release();
  expect(Buffer.byteLength(join(first.sessions, 'session.sock'))).toBeLessThanOrEqual(107);
  expect(again.sessions).toBe(first.sessions);
  rmSync(first.sessions, { recursive: true });
});
