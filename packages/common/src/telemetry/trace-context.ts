/** Where in which trace something happens: the W3C headers of that name. Passed on as it is, never shown to people. */
export interface TraceContext {
  traceparent: string;
  tracestate?: string;
}
