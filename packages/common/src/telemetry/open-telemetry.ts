import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context, Span as OtelSpan, SpanContext, SpanKind, Tracer } from '@opentelemetry/api';
import type { BasicTracerProvider, IdGenerator } from '@opentelemetry/sdk-trace-base';
import { collectorAddress } from './collector-address.js';
import { SpanQueue } from './span-queue.js';
import { formatTraceparent, parseTraceparent, type TraceContext } from './trace-context.js';
import type { Attributes, Span, SpanEnd, SpanOptions, Tracing } from './tracing.js';
import type { TracingSettings } from './tracing-settings.js';

// Not by import: most processes do not trace, and these take 70 ms to load.
const require = createRequire(import.meta.url);
const load = () => ({
  api: require('@opentelemetry/api') as typeof import('@opentelemetry/api'),
  sdk: require('@opentelemetry/sdk-trace-base') as typeof import('@opentelemetry/sdk-trace-base'),
  resources: require('@opentelemetry/resources') as typeof import('@opentelemetry/resources'),
  otlp: require('@opentelemetry/exporter-trace-otlp-http') as typeof import('@opentelemetry/exporter-trace-otlp-http'),
});
type Libraries = ReturnType<typeof load>;

const exportWithinMs = 10_000;
const stopWithinMs = 3_000;
const mostWaitingSpans = 4_096;
const longestAttribute = 500;

/** Sends spans to a collector, in the background; see Tracing. Nothing of it is global. */
export class OpenTelemetryTracing implements Tracing {
  readonly #api: Libraries['api'];
  readonly #provider: BasicTracerProvider;
  readonly #tracer: Tracer;
  readonly #ids: KeyedIds;
  #stopped: Promise<void> | undefined;

  constructor(settings: TracingSettings & { otlpUrl: string }) {
    const { api, sdk, resources, otlp } = load();
    const { logger, role, version, instance, metrics, sendAfterMs = 1_000 } = settings;
    this.#api = api;
    this.#ids = new KeyedIds(new sdk.RandomIdGenerator());
    // Everything is given, so that no OTEL_* variable of the environment changes what the settings say.
    const exporter = new otlp.OTLPTraceExporter({
      ...collectorAddress(settings.otlpUrl),
      timeoutMillis: exportWithinMs,
      concurrencyLimit: 2,
    });
    const batches = (sending: ConstructorParameters<typeof sdk.BatchSpanProcessor>[0]) =>
      new sdk.BatchSpanProcessor(sending, {
        maxQueueSize: mostWaitingSpans,
        maxExportBatchSize: 512,
        scheduledDelayMillis: sendAfterMs,
        exportTimeoutMillis: exportWithinMs + 5_000,
      });
    this.#provider = new sdk.BasicTracerProvider({
      resource: resources.resourceFromAttributes({
        'service.name': 'solstice',
        'cicd.system.component': role,
        ...(version !== undefined && { 'service.version': version }),
        ...(instance !== undefined && { 'service.instance.id': instance }),
      }),
      sampler: new sdk.ParentBasedSampler({ root: new sdk.AlwaysOnSampler() }),
      idGenerator: this.#ids,
      spanLimits: {
        attributeValueLengthLimit: longestAttribute,
        attributeCountLimit: 64,
        linkCountLimit: 8,
        eventCountLimit: 8,
      },
      spanProcessors: [new SpanQueue({ exporter, batches, mostWaiting: mostWaitingSpans, logger, metrics })],
    });
    this.#tracer = this.#provider.getTracer('solstice', version);
  }

  span(name: string, options: SpanOptions = {}): Span {
    const { parent, links = [], startAt, kind = 'internal', attributes = {}, key } = options;
    const context = this.#contextOf(parent);
    const otel = this.#ids.with(key, () =>
      this.#tracer.startSpan(
        name,
        {
          kind: this.#kindOf(kind),
          attributes: said(attributes),
          links: links.flatMap((link) => this.#spanContextOf(link) ?? []).map((context) => ({ context })),
          ...(startAt !== undefined && { startTime: startAt }),
        },
        context,
      ),
    );
    return { context: this.#traceContextOf(otel), end: (end = {}) => this.#end(otel, end) };
  }

  stop(): Promise<void> {
    this.#stopped ??= Promise.race([
      this.#provider.shutdown().catch(() => undefined),
      delay(stopWithinMs, undefined, { ref: false }),
    ]);
    return this.#stopped;
  }

  #end(span: OtelSpan, { at, attributes = {}, errorType }: SpanEnd): void {
    if (!span.isRecording()) return;
    span.setAttributes(said({ ...attributes, 'error.type': errorType }));
    if (errorType !== undefined) span.setStatus({ code: this.#api.SpanStatusCode.ERROR });
    span.end(at);
  }

  #contextOf(parent: TraceContext | undefined): Context {
    const { ROOT_CONTEXT, trace } = this.#api;
    const context = this.#spanContextOf(parent);
    return context === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, context);
  }

  #spanContextOf(trace: TraceContext | undefined): SpanContext | undefined {
    const parsed = trace && parseTraceparent(trace.traceparent);
    if (parsed === undefined) return undefined;
    return {
      traceId: parsed.traceId,
      spanId: parsed.spanId,
      traceFlags: parsed.flags,
      isRemote: true,
      ...(trace?.tracestate !== undefined && { traceState: this.#api.createTraceState(trace.tracestate) }),
    };
  }

  #traceContextOf(span: OtelSpan): TraceContext {
    const { traceId, spanId, traceFlags, traceState } = span.spanContext();
    const tracestate = traceState?.serialize();
    return {
      traceparent: formatTraceparent({ traceId, spanId, flags: traceFlags }),
      ...(tracestate !== undefined && tracestate !== '' && { tracestate }),
    };
  }

  #kindOf(kind: NonNullable<SpanOptions['kind']>): SpanKind {
    const { SpanKind: kinds } = this.#api;
    return {
      server: kinds.SERVER,
      client: kinds.CLIENT,
      producer: kinds.PRODUCER,
      consumer: kinds.CONSUMER,
      internal: kinds.INTERNAL,
    }[kind];
  }
}

function said(attributes: Attributes): Record<string, string | number | boolean> {
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** Random ids, but for spans that are known by a word. */
class KeyedIds implements IdGenerator {
  readonly #random: IdGenerator;
  readonly generateTraceId: () => string;
  #key: string | undefined;

  constructor(random: IdGenerator) {
    this.#random = random;
    this.generateTraceId = () => random.generateTraceId();
  }

  /** The span that `start` starts is known by this word. */
  with<T>(key: string | undefined, start: () => T): T {
    this.#key = key;
    try {
      return start();
    } finally {
      this.#key = undefined;
    }
  }

  generateSpanId(): string {
    const key = this.#key;
    return key === undefined
      ? this.#random.generateSpanId()
      : createHash('sha256').update(key).digest('hex').slice(0, 16);
  }
}
