import type { LabelsOf, MetricName, MetricNameOf } from './metric-catalogue.js';

/** Some gauges, each with all its series. */
export type GaugeSeries = { readonly [Name in MetricNameOf<'gauge'>]?: readonly Series<Name>[] };

export interface Series<Name extends MetricName> {
  labels: LabelsOf<Name>;
  value: number;
}

/**
 * Numbers about this process, for Prometheus. None of these ever throws or waits: what is measured must not suffer from
 * it. A label with too many different values is told as `other` from then on.
 */
export interface Metrics {
  /** Adds to a counter; 1 unless said otherwise. */
  count<Name extends MetricNameOf<'counter'>>(name: Name, labels: LabelsOf<Name>, by?: number): void;
  observe<Name extends MetricNameOf<'histogram'>>(name: Name, labels: LabelsOf<Name>, value: number): void;
  set<Name extends MetricNameOf<'gauge'>>(name: Name, labels: LabelsOf<Name>, value: number): void;
  /** All series of some gauges; those that are not among them are forgotten. */
  replace(gauges: GaugeSeries): void;
  /** Called before each text(), several at once, and waited for: they bound their own time. Returns the way to stop. */
  onScrape(read: () => Promise<void> | void): () => void;
  /** Everything, in the exposition format of Prometheus. */
  text(): Promise<string>;
  /** For the answer's header. */
  readonly contentType: string;
}
