import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TemporaryDirectory extends AsyncDisposable {
  path: string;
  /** Removes it with all that is in it. Idempotent. */
  remove(): Promise<void>;
}

/**
 * A fresh folder, with no link in its path. Mode 0755: the database server and workers, which run as other users,
 * can pass through it.
 */
export async function temporaryDirectory(prefix = 'solstice-test-'): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(await realpath(tmpdir()), prefix));
  await chmod(path, 0o755);
  const remove = async (): Promise<void> => {
    await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  };
  return { path, remove, [Symbol.asyncDispose]: remove };
}
