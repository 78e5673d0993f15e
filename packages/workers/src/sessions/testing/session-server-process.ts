import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Assignment } from '@solstice/common/rpc';
import type { RunnerRecord } from '@solstice/common/store';
import { bundleToFile } from '@solstice/runner/build';
import { recordsOfLines } from './record-lines.js';

export interface SessionServerProcessSettings {
  socketDirectory: string;
  /** Its store: a file that outlives it. */
  journal: string;
  assignment: Assignment;
  /** Of exclusive work: what each ping says. */
  validForMs?: number;
  /** Another side of the protocol than this one's, for its imports: see the skew tests. */
  alias?: Record<string, string>;
}

/** What it needs of telemetry; the rest looks for its libraries beside its own file. */
const loggerAlone = fileURLToPath(new URL('../../../../common/src/telemetry/logger.ts', import.meta.url));

/** The real session server as a process that can be killed at any instant. */
export class SessionServerProcess {
  readonly #child: ChildProcess;
  readonly #journal: string;

  private constructor(child: ChildProcess, journal: string) {
    this.#child = child;
    this.#journal = journal;
  }

  static async start(settings: SessionServerProcessSettings): Promise<SessionServerProcess> {
    const { socketDirectory, journal, assignment, validForMs = 0 } = settings;
    const bundle = join(socketDirectory, '..', 'session-server.cjs');
    await bundleToFile(fileURLToPath(new URL('session-server-child.ts', import.meta.url)), bundle, {
      alias: { '@solstice/common/telemetry': loggerAlone, ...settings.alias },
    });
    const encoded = Buffer.from(Assignment.encode(assignment).finish()).toString('base64');
    const child = spawn(process.execPath, [bundle, socketDirectory, journal, encoded, String(validForMs)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (child.stdout !== null) await once(child.stdout, 'data');
    return new SessionServerProcess(child, journal);
  }

  /** What it has stored. */
  async records(): Promise<RunnerRecord[]> {
    return recordsOfLines(await readFile(this.#journal, 'utf8').catch(() => ''));
  }

  /** SIGSTOP: it is there, and says nothing. */
  suspend(): void {
    this.#child.kill('SIGSTOP');
  }

  /** SIGKILL. Idempotent. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}
