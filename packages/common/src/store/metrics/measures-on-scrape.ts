import { setTimeout as delay } from 'node:timers/promises';
import { databaseGauges, type GaugeSeries, type Metrics } from '../../telemetry/index.js';
import type { Store, StoreMeasures } from '../port/index.js';
import { seriesOf } from './series-of.js';

const nothingKnown: GaugeSeries = Object.fromEntries(databaseGauges.map((name) => [name, []]));

export interface MeasuresOptions {
  /** For how long one reading serves those who ask. Default 5 s. */
  cacheMs?: number;
  /** How long a scrape waits for a reading. Default 2 s. */
  withinMs?: number;
  monotonicMs?: () => number;
}

/**
 * Reads the store's measures when somebody scrapes: one reading at a time, however many ask, and none while the last is
 * fresh. When there is no answer in time the gauges are gone, not old: an alert on an old number is worse than none.
 */
export class MeasuresOnScrape {
  readonly #store: Pick<Store, 'measures' | 'connections'>;
  readonly #metrics: Metrics;
  readonly #cacheMs: number;
  readonly #withinMs: number;
  readonly #monotonicMs: () => number;
  readonly stop: () => void;
  #reading: Promise<StoreMeasures | undefined> | undefined;
  #freshUntilMs = Number.NEGATIVE_INFINITY;

  constructor(store: Pick<Store, 'measures' | 'connections'>, metrics: Metrics, options: MeasuresOptions) {
    this.#store = store;
    this.#metrics = metrics;
    this.#cacheMs = options.cacheMs ?? 5_000;
    this.#withinMs = options.withinMs ?? 2_000;
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now());
    this.stop = metrics.onScrape(() => this.#read());
  }

  async #read(): Promise<void> {
    this.#tellConnections();
    if (this.#monotonicMs() < this.#freshUntilMs) return;
    this.#reading ??= this.#ask();
    const waiting = new AbortController();
    const late = delay(this.#withinMs, undefined, { ref: false, signal: waiting.signal }).catch(() => undefined);
    const measures = await Promise.race([this.#reading, late]);
    waiting.abort();
    // Another scrape may have had the same answer a moment ago; telling it twice changes nothing.
    if (measures !== undefined) this.#freshUntilMs = this.#monotonicMs() + this.#cacheMs;
    this.#tell(measures);
  }

  async #ask(): Promise<StoreMeasures | undefined> {
    try {
      return await this.#store.measures();
    } catch {
      return undefined;
    } finally {
      this.#reading = undefined;
    }
  }

  #tell(measures: StoreMeasures | undefined): void {
    this.#metrics.set('solstice_database_up', {}, measures === undefined ? 0 : 1);
    this.#metrics.replace(measures === undefined ? nothingKnown : seriesOf(measures));
  }

  #tellConnections(): void {
    const use = this.#store.connections?.();
    if (use === undefined) return;
    for (const state of ['busy', 'idle', 'waiting'] as const) {
      this.#metrics.set('solstice_database_connections', { state }, use[state]);
    }
  }
}
