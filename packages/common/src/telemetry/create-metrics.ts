import { createRequire } from 'node:module';
import { instruments, type MetricName, metricNames } from './metric-catalogue.js';
import type { Metrics, Series } from './metrics.js';

type Prometheus = typeof import('prom-client');
type Labels = Record<string, string>;

/** Different label sets of one metric. Beyond, a mistake or a stranger is at work: a scrape must not grow with it. */
const mostSeries = 500;
const other = 'other';

export interface MetricsSettings {
  version: string;
  /** What this process does: `forge`, `orchestrator`, … */
  roles: readonly string[];
}

/** Metrics with every one of the catalogue, and those of the Node.js process. */
export function createMetrics(settings: MetricsSettings): Metrics {
  // Not by import: the commands, which only log, would pay 40 ms for it at each start.
  const prometheus = createRequire(import.meta.url)('prom-client') as Prometheus;
  const registry = new prometheus.Registry();
  prometheus.collectDefaultMetrics({ register: registry });
  const counters = new Map<MetricName, InstanceType<Prometheus['Counter']>>();
  const gauges = new Map<MetricName, InstanceType<Prometheus['Gauge']>>();
  const histograms = new Map<MetricName, InstanceType<Prometheus['Histogram']>>();
  for (const name of metricNames) {
    const { kind, help, labels, buckets } = instruments[name];
    const about = { name, help, labelNames: [...labels], registers: [registry] };
    if (kind === 'counter') counters.set(name, new prometheus.Counter(about));
    if (kind === 'histogram')
      histograms.set(name, new prometheus.Histogram({ ...about, buckets: [...(buckets ?? [])] }));
    if (kind !== 'gauge') continue;
    const gauge = new prometheus.Gauge(about);
    gauges.set(name, gauge);
    forgetAll(name, gauge);
  }
  const bounds = new Map(metricNames.map((name) => [name, new SeriesBound()]));
  const bounded = (name: MetricName, labels: Labels): Labels => bounds.get(name)?.admit(labels) ?? labels;
  const sources = new Set<() => Promise<void> | void>();

  const metrics: Metrics = {
    count: (name, labels, by = 1) => counters.get(name)?.inc(bounded(name, labels), by),
    observe: (name, labels, value) => histograms.get(name)?.observe(bounded(name, labels), value),
    set: (name, labels, value) => gauges.get(name)?.set(bounded(name, labels), value),
    replace: (all) => {
      for (const [name, series] of Object.entries(all) as [MetricName, readonly Series<MetricName>[]][]) {
        const gauge = gauges.get(name);
        if (gauge === undefined) continue;
        forgetAll(name, gauge);
        bounds.get(name)?.forget();
        for (const { labels, value } of series) gauge.set(bounded(name, labels), value);
      }
    },
    onScrape: (read) => {
      sources.add(read);
      return () => sources.delete(read);
    },
    text: async () => {
      await Promise.allSettled([...sources].map(async (read) => await read()));
      return await registry.metrics();
    },
    contentType: registry.contentType,
  };
  metrics.set('solstice_build_info', { version: settings.version, roles: [...settings.roles].sort().join(',') }, 1);
  return metrics;
}

/** Without labels, `reset` would make it 0; what nobody has told yet is not 0 but unknown. */
function forgetAll(name: MetricName, gauge: InstanceType<Prometheus['Gauge']>): void {
  if (instruments[name].labels.length === 0) gauge.remove();
  else gauge.reset();
}

class SeriesBound {
  readonly #seen = new Set<string>();

  admit(labels: Labels): Labels {
    const values = Object.values(labels);
    if (values.length === 0) return labels;
    const key = values.join('\0');
    if (this.#seen.has(key)) return labels;
    if (this.#seen.size >= mostSeries) return Object.fromEntries(Object.keys(labels).map((name) => [name, other]));
    this.#seen.add(key);
    return labels;
  }

  forget(): void {
    this.#seen.clear();
  }
}
