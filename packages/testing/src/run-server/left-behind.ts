import { readdir, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Temporary directories, named `<prefix><process id>…`, of processes that were killed. Those of live ones are not among them. */
export async function leftBehind(prefix: string): Promise<string[]> {
  const parent = await realpath(tmpdir());
  const names = await readdir(parent);
  return names
    .filter((name) => name.startsWith(prefix) && !isProcess(Number(name.slice(prefix.length).split('-')[0])))
    .map((name) => join(parent, name));
}

function isProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
