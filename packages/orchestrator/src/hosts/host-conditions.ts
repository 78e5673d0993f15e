import { statfs } from 'node:fs/promises';
import { freemem, loadavg } from 'node:os';
import type { HostLoad } from '@solstice/common/store';
import type { Backend } from '@solstice/workers/backends';
import type { Intake } from './intake.js';

/** Below it a host takes no new work: its workers, mirrors and spools need room to finish what runs. */
export const DISK_RESERVE_BYTES = 512 * 1024 * 1024;
/** Room has to be so much more before work is taken again, or it would go back and forth. */
const DISK_RETURN_FACTOR = 1.25;

/** What the machine has left now; the disk is the one that holds `directory`. */
export async function readLoad(directory: string): Promise<HostLoad> {
  const { bavail, bsize } = await statfs(directory);
  return { load1: loadavg()[0] ?? 0, memoryFreeBytes: freemem(), diskFreeBytes: bavail * bsize };
}

export interface HostConditionsOptions {
  intake: Intake;
  backends: readonly Pick<Backend, 'kind' | 'problems'>[];
  readLoad(): Promise<HostLoad>;
}

/** Looks at what new work needs: room on the disk, and backends that answer. What runs is left alone. */
export class HostConditions {
  readonly #options: HostConditionsOptions;
  #load: HostLoad | undefined;
  #diskIsFull = false;

  constructor(options: HostConditionsOptions) {
    this.#options = options;
  }

  /** As it was at the last look. */
  get load(): HostLoad | undefined {
    return this.#load;
  }

  async look(): Promise<void> {
    this.#load = await this.#options.readLoad();
    this.#judgeDisk(this.#load.diskFreeBytes);
    await Promise.all(this.#options.backends.map((backend) => this.#judge(backend)));
  }

  #judgeDisk(freeBytes: number): void {
    const { intake } = this.#options;
    const returnBytes = DISK_RESERVE_BYTES * DISK_RETURN_FACTOR;
    this.#diskIsFull = freeBytes < (this.#diskIsFull ? returnBytes : DISK_RESERVE_BYTES);
    if (!this.#diskIsFull) return intake.open('disk');
    const needed = mebibytes(returnBytes);
    intake.close('disk', `no new work: its disk has ${mebibytes(freeBytes)} left, and ${needed} are needed`);
  }

  async #judge({ kind, problems }: Pick<Backend, 'kind' | 'problems'>): Promise<void> {
    const { intake } = this.#options;
    const found = await problems();
    if (found.length === 0) intake.open(`backend ${kind}`);
    else intake.close(`backend ${kind}`, `no new work for backend ${kind}: ${found.join('; ')}`, kind);
  }
}

const mebibytes = (bytes: number) => `${Math.floor(bytes / (1024 * 1024))} MiB`;
