import type { Context } from '@opentelemetry/api';
import type { ReadableSpan, Span, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { Logger } from './logger.js';
import type { Metrics } from './metrics.js';

export interface SpanQueueSettings {
  exporter: SpanExporter;
  /** Puts spans into batches for the exporter that it is given. */
  batches(sending: SpanExporter): SpanProcessor;
  mostWaiting: number;
  logger: Pick<Logger, 'warn' | 'info'>;
  metrics?: Pick<Metrics, 'count'> | undefined;
}

type Done = Parameters<SpanExporter['export']>[1];

/**
 * Spans on their way to the collector: at most so many, those under way included; what comes beyond is dropped, so that
 * a collector that is away costs neither memory nor time. Tells the log when sending begins to fail, for another reason,
 * and when it is over, not at each try.
 */
export class SpanQueue implements SpanProcessor {
  readonly #settings: SpanQueueSettings;
  readonly #batches: SpanProcessor;
  #waiting = 0;
  #dropped = 0;
  #problem: string | undefined;

  constructor(settings: SpanQueueSettings) {
    this.#settings = settings;
    const { exporter } = settings;
    this.#batches = settings.batches({
      export: (spans, done) => exporter.export(spans, (result) => this.#sent(spans.length, result, done)),
      shutdown: () => exporter.shutdown(),
    });
  }

  onStart(span: Span, parent: Context): void {
    this.#batches.onStart(span, parent);
  }

  onEnd(span: ReadableSpan): void {
    if (this.#waiting >= this.#settings.mostWaiting) {
      this.#dropped += 1;
      this.#settings.metrics?.count('solstice_spans_total', { result: 'dropped' });
      return;
    }
    this.#waiting += 1;
    this.#batches.onEnd(span);
  }

  forceFlush(): Promise<void> {
    return this.#batches.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.#batches.shutdown();
  }

  #sent(count: number, result: Parameters<Done>[0], done: Done): void {
    const { logger, metrics } = this.#settings;
    const ok = result.code === 0;
    this.#waiting -= count;
    metrics?.count('solstice_spans_total', { result: ok ? 'exported' : 'failed' }, count);
    const problem = ok ? undefined : (result.error?.message ?? 'no reason was given');
    if (problem !== undefined && problem !== this.#problem) {
      logger.warn({ reason: problem }, 'traces cannot be sent; what is traced meanwhile may be lost');
    } else if (problem === undefined && this.#problem !== undefined) {
      logger.info({ dropped: this.#dropped }, 'traces are sent again');
      this.#dropped = 0;
    }
    this.#problem = problem;
    // Told here, once; the library would tell its own log of each batch.
    done({ code: 0 });
  }
}
