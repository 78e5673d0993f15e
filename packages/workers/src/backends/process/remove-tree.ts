import { execFile } from 'node:child_process';
import { chmod, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { SolsticeError } from '@solstice/common/errors';

const run = promisify(execFile);

/**
 * Removes a directory with all that steps may have left in it: read-only directories, files of other modes, mounts.
 * A mount is taken off first, because removing across it would delete what lies elsewhere; if it can't be, this
 * rejects with `worker-failed` and has removed nothing.
 */
export async function removeTree(directory: string): Promise<void> {
  await unmountBelow(directory);
  try {
    await rm(directory, { recursive: true, force: true, maxRetries: 0 });
  } catch {
    await makeWritable(directory);
    await rm(directory, { recursive: true, force: true, maxRetries: 2 });
  }
}

async function makeWritable(directory: string): Promise<void> {
  await chmod(directory, 0o700).catch(() => undefined);
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (entry.isDirectory()) await makeWritable(path.join(directory, entry.name));
  }
}

async function unmountBelow(directory: string): Promise<void> {
  for (const mount of (await mountsBelow(directory)).reverse()) {
    await run('umount', ['--lazy', '--', mount]).catch(() => undefined);
  }
  const left = await mountsBelow(directory);
  if (left.length === 0) return;
  throw new SolsticeError('worker-failed', `a step left a mount that can't be taken off: ${left.join(', ')}`, {
    hint: 'Unmount it by hand; the directory is removed at the next sweep.',
  });
}

async function mountsBelow(directory: string): Promise<string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  return table
    .split('\n')
    .map((line) => unescapeOctal(line.split(' ')[4] ?? ''))
    .filter((mount) => mount.startsWith(directory + path.sep));
}

/** The kernel writes a space in a path as `\040`. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
