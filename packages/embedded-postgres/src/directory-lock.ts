import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedPostgresError } from './errors.js';

/**
 * Held for as long as this process may start or stop the server. The kernel lets go of it when the process is gone,
 * however it went, so a lock is never stale. Node has no flock(2): the command takes it for the open file that we
 * hand it, and the lock stays with that open file, which is ours, when the command is over.
 */
export class DirectoryLock {
  private constructor(private file: FileHandle | undefined) {}

  /** Rejects with `data-directory-in-use` at once when somebody has it. */
  static async take(directory: string): Promise<DirectoryLock> {
    const path = join(directory, 'lock');
    const file = await open(path, 'a+', 0o600);
    try {
      const child = spawn('flock', ['--nonblock', '3'], { stdio: ['ignore', 'ignore', 'ignore', file.fd] });
      const [exitCode] = (await once(child, 'close').catch((cause: unknown) => {
        throw new EmbeddedPostgresError(
          'data-directory-unusable',
          'the command flock, which locks the data directory, could not be run',
          'Install the package util-linux.',
          cause,
        );
      })) as [number | null];
      if (exitCode !== 0) {
        const holder = (await file.readFile('utf8')).trim();
        throw new EmbeddedPostgresError(
          'data-directory-in-use',
          `the database in ${directory} is used by another process${holder === '' ? '' : ` (pid ${holder})`}`,
          'Stop that process first, or set another data directory.',
        );
      }
      await file.truncate();
      await file.write(`${process.pid}\n`, 0);
      return new DirectoryLock(file);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Idempotent. */
  async release(): Promise<void> {
    const file = this.file;
    this.file = undefined;
    await file?.close();
  }
}
