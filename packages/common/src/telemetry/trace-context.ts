/** Where in which trace something happens: the W3C headers of that name. Passed on as it is, never shown to people. */
export interface TraceContext {
  traceparent: string;
  tracestate?: string;
}

export interface TraceParent {
  traceId: string;
  spanId: string;
  flags: number;
}

const form = /^00-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})$/;

/** Undefined: not a traceparent of the version that we know, so nothing to go on from. */
export function parseTraceparent(text: string): TraceParent | undefined {
  const [, traceId, spanId, flags] = form.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, flags: Number.parseInt(flags, 16) };
}

export function formatTraceparent({ traceId, spanId, flags }: TraceParent): string {
  return `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, '0')}`;
}
