/** A span as it was received, in the words that tests ask in. */
export interface ReceivedSpan {
  name: string;
  traceId: string;
  spanId: string;
  /** Undefined: it begins its trace. */
  parentSpanId: string | undefined;
  kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer' | 'unspecified';
  startAt: Date;
  endAt: Date;
  attributes: Record<string, unknown>;
  failed: boolean;
  /** Attributes of the process that sent it. */
  resource: Record<string, unknown>;
  links: { traceId: string; spanId: string }[];
}

interface KeyValue {
  key: string;
  value: Record<string, unknown>;
}

interface Request {
  resourceSpans?: {
    resource?: { attributes?: KeyValue[] };
    scopeSpans?: {
      spans?: {
        traceId: string;
        spanId: string;
        parentSpanId?: string;
        name: string;
        kind?: number;
        startTimeUnixNano: string;
        endTimeUnixNano: string;
        attributes?: KeyValue[];
        status?: { code?: number };
        links?: { traceId: string; spanId: string }[];
      }[];
    }[];
  }[];
}

const kinds = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;
const errorStatus = 2;

/** All spans of one OTLP request in JSON. */
export function spansOf(body: unknown): ReceivedSpan[] {
  const request = body as Request;
  return (request.resourceSpans ?? []).flatMap(({ resource, scopeSpans = [] }) =>
    scopeSpans
      .flatMap(({ spans = [] }) => spans)
      .map((span) => ({
        name: span.name,
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId === undefined || span.parentSpanId === '' ? undefined : span.parentSpanId,
        kind: kinds[span.kind ?? 0] ?? 'unspecified',
        startAt: dateOf(span.startTimeUnixNano),
        endAt: dateOf(span.endTimeUnixNano),
        attributes: record(span.attributes),
        failed: span.status?.code === errorStatus,
        resource: record(resource?.attributes),
        links: (span.links ?? []).map(({ traceId, spanId }) => ({ traceId, spanId })),
      })),
  );
}

function dateOf(unixNano: string): Date {
  return new Date(Number(BigInt(unixNano) / 1_000_000n));
}

/** Of the one-of values of OTLP, only their content. */
function record(attributes: readonly KeyValue[] = []): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
