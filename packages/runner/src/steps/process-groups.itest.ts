import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { eventually, provide } from '@solstice/testing';
import { expect, test } from 'vitest';
import { ProcessGroups } from './process-groups.js';

const missing = await provide({ name: 'perl', programs: ['perl'], packages: ['perl'] });
/** The number of the system call that ends one thread. */
const exit = process.arch === 'arm64' ? 93 : 60;

test.skipIf(missing !== undefined)('a process whose main thread has ended runs on with the others', async () => {
  const script = `threads->create(sub { sleep 1000 }); syscall(${exit}, 0)`;
  const child = spawn('perl', ['-Mthreads', '-e', script], { detached: true, stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(child, 'exit');
  const groupId = child.pid ?? 0;
  const groups = new ProcessGroups();
  groups.add(groupId);
  try {
    await eventually(() => readFileSync(`/proc/${groupId}/stat`, 'latin1').startsWith(`${groupId} (perl) Z `));
    expect(groups.isRunning(groupId)).toBe(true);
  } finally {
    groups.killAll();
    await ended;
  }
  expect(groups.isRunning(groupId)).toBe(false);
});
