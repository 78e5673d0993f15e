import type { TraceContext } from './trace-context.js';

export type AttributeValue = string | number | boolean;
/** Names, ids and numbers; never secrets, nor what people wrote beyond a name. Undefined ones are left out. */
export type Attributes = Record<string, AttributeValue | undefined>;

export interface SpanOptions {
  /** What caused it. Absent: it begins a trace. */
  parent?: TraceContext | undefined;
  /** What it has to do with, in other traces. Undefined ones are left out. */
  links?: readonly (TraceContext | undefined)[];
  /** Default: now. */
  startAt?: Date;
  /** `server`: answers somebody; `producer` and `consumer`: two ends of a message; default `internal`. */
  kind?: 'server' | 'client' | 'producer' | 'consumer' | 'internal';
  attributes?: Attributes;
  /**
   * Makes the span's id depend on the trace and this word alone, so that the process that takes over what another one
   * began can end its span: the same span, not a second one.
   */
  key?: string;
}

export interface SpanEnd {
  /** Default: now. */
  at?: Date;
  attributes?: Attributes;
  /** A low number of different words: an error code, a kind of cause. Present: the span has failed. */
  errorType?: string | undefined;
}

export interface Span {
  /** For whom it causes. Where nothing is traced: what the parent was, so that the chain does not break here. */
  readonly context: TraceContext | undefined;
  /** Only the first call counts. A span that is never ended is never sent. */
  end(end?: SpanEnd): void;
}

/** Nothing here throws or waits, but for `stop`. */
export interface Tracing {
  span(name: string, options?: SpanOptions): Span;
  /** Sends what has ended, as long as it may take; what is not sent by then is lost. Idempotent. */
  stop(): Promise<void>;
}

/** Traces nothing, at no cost. */
export const noTracing: Tracing = {
  span: (_name, options) => ({ context: options?.parent, end: () => undefined }),
  stop: async () => undefined,
};
