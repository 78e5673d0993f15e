import { readFileSync } from 'node:fs';
import { expect, it, test } from 'vitest';
import { createMetrics } from './create-metrics.js';
import { instruments, metricNames } from './metric-catalogue.js';
import { renderObservabilityPage } from './metrics-table.js';
import { readDashboard } from './testing/dashboard.js';

const root = '../../../../';
const read = (path: string): string => readFileSync(new URL(`${root}${path}`, import.meta.url), 'utf8');
const page = read('docs/observability.md');
const alerts = read('deploy/prometheus/alerts.yml');
const { panels, expressions } = readDashboard(read('deploy/grafana/solstice.json'));

/** Every series that a process of ours can tell, by name. */
async function seriesNames(): Promise<Set<string>> {
  const text = await createMetrics({ version: '0', roles: [] }).text();
  const names = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = '', kind]) =>
    kind === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  );
  return new Set(names);
}

const namesIn = (text: string): string[] => text.match(/\b(solstice|process|nodejs)_[a-z0-9_]+\b/g) ?? [];

// scripts/generate-docs.mjs writes the page by running this test with --update.
it('the tables of docs/observability.md are those of the catalogue', async () => {
  await expect(renderObservabilityPage(page)).toMatchFileSnapshot(`${root}docs/observability.md`);
});

it('the page names no metric that does not exist', async () => {
  const series = await seriesNames();
  const known = new Set([...series, ...metricNames]);
  expect(namesIn(page).filter((name) => !known.has(name))).toEqual([]);
});

test('dashboard and alerts ask for nothing that no process tells, with labels that it has', async () => {
  const known = await seriesNames();
  for (const expression of [...expressions, alerts]) {
    expect(namesIn(expression).filter((name) => !known.has(name))).toEqual([]);
  }
});

test('the dashboard shows every metric of the catalogue', () => {
  const shown = new Set(namesIn(expressions.join('\n')).map((name) => name.replace(/_(bucket|sum|count)$/, '')));
  expect(metricNames.filter((name) => !shown.has(name))).toEqual([]);
});

test('panels have ids of their own, titles, places side by side, and a data source to choose', () => {
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  for (const { title, gridPos, datasource, type } of panels) {
    expect(title).not.toBe('');
    expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    if (type !== 'row') expect(datasource?.uid).toBe(`\${datasource}`);
  }
  for (const [index, one] of panels.entries()) {
    for (const other of panels.slice(index + 1)) {
      const apart =
        one.gridPos.x + one.gridPos.w <= other.gridPos.x ||
        other.gridPos.x + other.gridPos.w <= one.gridPos.x ||
        one.gridPos.y + one.gridPos.h <= other.gridPos.y ||
        other.gridPos.y + other.gridPos.h <= one.gridPos.y;
      expect(apart, `${one.title} and ${other.title}`).toBe(true);
    }
  }
});

test('each alert says what to do, under its name in the docs, and is tested', () => {
  const names = [...alerts.matchAll(/- alert: (\S+)/g)].map(([, name = '']) => name);
  expect(names.length).toBeGreaterThan(10);
  const tests = read('deploy/prometheus/alerts.test.yml');
  const runbooks = [...alerts.matchAll(/runbook: (\S+)/g)].map(([, link]) => link);
  expect(runbooks).toEqual(names.map((name) => `docs/observability.md#${name.toLowerCase()}`));
  for (const name of names) {
    expect(page).toContain(`\n### ${name}\n`);
    expect(tests).toContain(`alertname="${name}", alertstate="firing"`);
  }
  const described = [...page.matchAll(/^### (Solstice\w+)$/gm)].map(([, name]) => name);
  expect(described).toEqual(names);
});

test('commands that the page names are commands', () => {
  const commands = read('docs/ciadm.md');
  const named = [...page.matchAll(/`(ciadm [a-z ]+)`/g)].map(([, command]) => command);
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((command) => !commands.includes(`\n## ${command}\n`))).toEqual([]);
});

test('labels that a query groups by are labels of what it asks for', () => {
  for (const expression of expressions) {
    const [name] = namesIn(expression);
    const metric = metricNames.find((known) => name?.replace(/_(bucket|sum|count)$/, '') === known || name === known);
    if (metric === undefined) continue;
    const grouped = [...expression.matchAll(/by \(([^)]*)\)/g)].flatMap(([, labels = '']) => labels.split(/,\s*/));
    const known = [...instruments[metric].labels, 'le', 'instance', 'job'];
    expect(grouped.filter((label) => !known.includes(label))).toEqual([]);
  }
});
