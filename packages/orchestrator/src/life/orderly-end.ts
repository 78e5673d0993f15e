import type { Consumer } from '@solstice/common/queue';
import type { SessionServer } from '@solstice/workers/sessions';
import type { Dependencies } from './dependencies.js';
import type { Loops } from './loops.js';
import type { Parts } from './parts.js';

/** `let-go`: running work is left to the next process of this host. Else it is waited for so long, and what still runs then is handed back as lost. */
export type StopMode = 'let-go' | { drainForMs: number };

/** What others reach this process by, as far as the start came. */
export interface Opened {
  sessions?: SessionServer;
  bell?: Consumer;
}

/** How long a drain that ran out of time waits for what it handed back to be destroyed. */
const HAND_BACK_MS = 60_000;

/**
 * The end of this process as the host, also of one whose start was given up half way. It goes the way of the start back,
 * but renewals end before runners are sent away: one in between would tell the store that this host holds nothing any more.
 */
export class OrderlyEnd {
  readonly #dependencies: Pick<Dependencies, 'host' | 'logger'>;
  readonly #parts: Parts;
  readonly #loops: Loops;
  readonly #opened: Opened;
  readonly #letGo = new AbortController();
  #ended: Promise<void> | undefined;

  constructor(dependencies: Pick<Dependencies, 'host' | 'logger'>, parts: Parts, loops: Loops, opened: Opened) {
    this.#dependencies = dependencies;
    this.#parts = parts;
    this.#loops = loops;
    this.#opened = opened;
  }

  /** Idempotent; a later `let-go` ends a drain early. */
  run(mode: StopMode): Promise<void> {
    if (this.#ended && mode === 'let-go') this.#letGo.abort();
    this.#ended ??= this.#run(mode);
    return this.#ended;
  }

  async #run(mode: StopMode): Promise<void> {
    const { intake, claimer, replaced, attempts } = this.#parts;
    intake.close('stop', 'no new work: its process is stopping');
    await claimer.stop();
    if (mode !== 'let-go' && !replaced()) await this.#finishWork(mode.drainForMs);
    await this.#stopListening();
    const mayLeave = !replaced() && !attempts.holdsExclusive();
    await this.#leaveWork();
    // A lease that is given up lets others take the name at once; what must not overlap keeps it until it runs out.
    if (mayLeave) await this.#giveUpLease();
  }

  async #finishWork(drainForMs: number): Promise<void> {
    const { host } = this.#dependencies;
    const { attempts } = this.#parts;
    await attempts.idle(drainForMs, this.#letGo.signal);
    if (this.#letGo.signal.aborted) return;
    attempts.handBack(`host ${host.id} was stopped, and its work took longer than ${drainForMs / 1000} s`);
    await attempts.idle(HAND_BACK_MS, this.#letGo.signal);
  }

  /** To the store and to operators. */
  async #stopListening(): Promise<void> {
    const { renewing, reconciling, looking } = this.#loops;
    // The bell first: its handler waits for a renewal.
    await this.#opened.bell?.cancel();
    await Promise.all([renewing.stop(), reconciling.stop(), looking.stop()]);
    // The last renewal may have wound it up.
    this.#parts.drain.stop();
  }

  async #leaveWork(): Promise<void> {
    const { attempts, cutOff } = this.#parts;
    // What runners say from now on is for the next process.
    const left = attempts.leave();
    await this.#opened.sessions?.close();
    await left;
    cutOff.stop();
  }

  async #giveUpLease(): Promise<void> {
    const { logger } = this.#dependencies;
    await this.#parts.lease.leave().catch((err: unknown) => logger.info({ err }, 'the lease runs out by itself'));
  }
}
