import { z } from 'zod';

const gridPos = z.strictObject({ h: z.int().positive(), w: z.int().positive(), x: z.int().min(0), y: z.int().min(0) });
const datasource = z.strictObject({ type: z.literal('prometheus'), uid: z.string() });
const target = z.strictObject({
  refId: z.string().regex(/^[A-Z]$/),
  datasource,
  expr: z.string().min(1),
  legendFormat: z.string().min(1),
});
const panel = z.looseObject({
  id: z.int().positive(),
  type: z.enum(['row', 'timeseries', 'stat']),
  title: z.string().min(1),
  gridPos,
  datasource: datasource.optional(),
  targets: z.array(target).min(1).optional(),
});
/** As much of a Grafana dashboard as ours has, of the version of its schema that it says. */
const dashboard = z.looseObject({
  title: z.string().min(1),
  uid: z.string().regex(/^[a-z-]{1,40}$/),
  schemaVersion: z.literal(39),
  time: z.strictObject({ from: z.string(), to: z.string() }),
  templating: z.strictObject({
    list: z.array(z.looseObject({ name: z.string(), type: z.literal('datasource'), query: z.literal('prometheus') })),
  }),
  panels: z.array(panel).min(1),
});

export type Panel = z.infer<typeof panel>;

export function readDashboard(text: string): { panels: Panel[]; expressions: string[] } {
  const { panels } = dashboard.parse(JSON.parse(text));
  return { panels, expressions: panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)) };
}
