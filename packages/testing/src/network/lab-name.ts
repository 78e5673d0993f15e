import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename } from 'node:path';

const prefix = 'solstice-lab';

/**
 * `solstice-lab_<folder>_<pid>_<random>`: the temporary folder says of which test run it is, the pid whether its maker lives.
 * scripts/lib/network-leftovers.mjs reads the same.
 */
export function newLabName(): string {
  return [prefix, basename(tmpdir()), process.pid, randomBytes(3).toString('hex')].join('_');
}

/** True: a lab of ours, and the process that made it is gone. */
export function isLabOfDead(namespace: string): boolean {
  const [first, , pid] = namespace.split('_');
  if (first !== prefix || pid === undefined) return false;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8') === '';
  } catch {
    return true;
  }
}
