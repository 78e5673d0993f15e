import type { HostStateChange, HostStore } from '@solstice/common/store';
import type { RenewAnswer } from './host-lease.js';
import type { Intake } from './intake.js';

export interface DrainOptions {
  hostId: string;
  intake: Intake;
  store: Pick<HostStore, 'list'>;
  /** Its time is over: what still runs is given up, for this reason. Called again while that is so. */
  handBack(reason: string): void;
}

/** Does what operators wish of this host: each renewal's answer tells. */
export class Drain {
  readonly #options: DrainOptions;
  #timer: NodeJS.Timeout | undefined;
  #known: { key: string; change: HostStateChange | undefined } | undefined;

  constructor(options: DrainOptions) {
    this.#options = options;
  }

  async obey({ state, drainUntil, now }: Pick<RenewAnswer, 'state' | 'drainUntil' | 'now'>): Promise<void> {
    const { intake, hostId } = this.#options;
    clearTimeout(this.#timer);
    if (state === 'active') {
      this.#known = undefined;
      return intake.open('state');
    }
    const word = state === 'draining' ? 'drained' : 'cordoned';
    // Before who did it is asked for: that may take its time.
    intake.close('state', `no new work: host ${hostId} is ${state}`);
    const reason = `host ${hostId} was ${word}${inWords(await this.#change(`${state} ${drainUntil?.getTime()}`))}`;
    intake.close('state', `no new work: ${reason}`);
    if (state !== 'draining' || drainUntil === undefined) return;
    // The store's clock says how long: this machine's may be wrong by an hour.
    this.#arm(drainUntil.getTime() - now.getTime(), reason);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #arm(leftMs: number, reason: string): void {
    const { handBack } = this.#options;
    if (leftMs <= 0) return handBack(reason);
    // The next renewal winds it up again; a deadline further away needs no timer yet.
    this.#timer = setTimeout(() => handBack(reason), Math.min(leftMs, 2 ** 31 - 1));
    this.#timer.unref();
  }

  /** Who did it and why; read once for each change. Words only: without them it is done all the same. */
  async #change(key: string): Promise<HostStateChange | undefined> {
    if (this.#known?.key === key) return this.#known.change;
    const { store, hostId } = this.#options;
    const hosts = await store.list().catch(() => undefined);
    const change = hosts?.find(({ id }) => id === hostId)?.stateChange;
    if (hosts) this.#known = { key, change };
    return change;
  }
}

function inWords(change: HostStateChange | undefined): string {
  if (change === undefined) return '';
  return ` by ${change.by}${change.reason === undefined ? '' : ` (${change.reason})`}`;
}
