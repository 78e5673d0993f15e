import type { Metrics } from '@solstice/common/telemetry';

/** What a stream has taken and its owner has not stored yet. */
export interface Unstored {
  bytes: number;
  /** By performance.now(); undefined: nothing. */
  oldestMs: number | undefined;
}

/** How far what is durable lags behind what has arrived, over all streams. */
export class RecordLag {
  readonly #metrics: Metrics;
  readonly #streams = new Set<() => Unstored>();
  readonly #forget: () => void;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    this.#forget = metrics.onScrape(() => this.#tell());
    this.#tell();
  }

  /** Asks the stream at each scrape until it is closed. */
  opened(stream: () => Unstored): () => void {
    this.#streams.add(stream);
    return () => this.#streams.delete(stream);
  }

  /** A batch is durable. `oldestMs`: when its first record had arrived. */
  stored(bytes: number, oldestMs: number): void {
    this.#metrics.observe('solstice_log_durable_seconds', {}, (performance.now() - oldestMs) / 1_000);
    this.#metrics.count('solstice_log_stored_bytes_total', {}, bytes);
  }

  stop(): void {
    this.#forget();
  }

  #tell(): void {
    const all = [...this.#streams].map((stream) => stream());
    const ages = all.map(({ oldestMs }) => (oldestMs === undefined ? 0 : performance.now() - oldestMs));
    this.#metrics.set(
      'solstice_log_unacknowledged_bytes',
      {},
      all.reduce((sum, { bytes }) => sum + bytes, 0),
    );
    this.#metrics.set('solstice_log_lag_seconds', {}, Math.max(0, ...ages) / 1_000);
  }
}
