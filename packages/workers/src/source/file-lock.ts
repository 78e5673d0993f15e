import { randomUUID } from 'node:crypto';
import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { SolsticeError } from '@solstice/common/errors';
import { identify, isAlive, type ProcessIdentity } from '../processes/process-identity.js';

const POLL_MS = 25;

/** One holder at a time, in this process (a queue) and among processes (a file with the holder's name in it). */
export class FileLock {
  readonly #file: string;
  #tail: Promise<unknown> = Promise.resolve();
  #queued = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** Rejects with `source-unavailable` when another process holds it longer than the deadline. */
  async run<T>(deadlineMs: number, work: () => Promise<T>): Promise<T> {
    this.#queued += 1;
    const turn = this.#tail.then(async () => {
      await this.#acquire(deadlineMs);
      try {
        return await work();
      } finally {
        await unlink(this.#file).catch(() => undefined);
      }
    });
    this.#tail = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.#queued -= 1;
    }
  }

  /** Undefined, at once, when it is held. */
  async tryRun<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (this.#queued > 0) return undefined;
    return await this.run(0, work).catch((error: unknown) => {
      if (error instanceof LockHeld) return undefined;
      throw error;
    });
  }

  async #acquire(deadlineMs: number): Promise<void> {
    const startedAt = performance.now();
    const me = JSON.stringify(await identify(process.pid));
    for (;;) {
      if (await this.#create(me)) return;
      const held = await readFile(this.#file, 'utf8').catch(() => undefined);
      if (held === undefined) continue;
      if (await isStale(held)) {
        await this.#takeAway(held);
        continue;
      }
      if (performance.now() - startedAt >= deadlineMs) throw new LockHeld(this.#file, held);
      await delay(POLL_MS);
    }
  }

  /** Written whole under another name first: nobody ever reads half a name. */
  async #create(me: string): Promise<boolean> {
    const fresh = `${this.#file}.${randomUUID()}`;
    await writeFile(fresh, me);
    try {
      await link(fresh, this.#file);
      return true;
    } catch (error) {
      if (!isCode(error, 'EEXIST')) throw error;
      return false;
    } finally {
      await unlink(fresh);
    }
  }

  /** Of a holder that is dead. If another process was quicker, what was taken is its new lock: it is put back. */
  async #takeAway(stale: string): Promise<void> {
    const aside = `${this.#file}.${randomUUID()}`;
    try {
      await rename(this.#file, aside);
    } catch (error) {
      if (isCode(error, 'ENOENT')) return;
      throw error;
    }
    if ((await readFile(aside, 'utf8')) !== stale) await link(aside, this.#file).catch(() => undefined);
    await unlink(aside);
  }
}

class LockHeld extends SolsticeError {
  constructor(file: string, holder: string) {
    super('source-unavailable', `another process works on this mirror: ${file} is held by ${holder}`);
  }
}

async function isStale(holder: string): Promise<boolean> {
  try {
    return !(await isAlive(JSON.parse(holder) as ProcessIdentity));
  } catch {
    return true;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
