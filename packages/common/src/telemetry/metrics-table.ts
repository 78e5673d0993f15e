import { instruments, metricNames } from './metric-catalogue.js';

const begin = '<!-- generated: metrics -->';
const end = '<!-- end -->';

/** docs/observability.md with the tables of all metrics, made from the catalogue. */
export function renderObservabilityPage(page: string): string {
  const from = page.indexOf(begin);
  const to = page.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`the page has no place for the metrics: ${begin} … ${end}`);
  return `${page.slice(0, from + begin.length)}\n\n${tables()}\n\n${page.slice(to)}`;
}

function tables(): string {
  const sections = [...new Set(metricNames.map((name) => instruments[name].section))];
  return sections
    .map((section) => {
      const rows = metricNames
        .filter((name) => instruments[name].section === section)
        .map((name) => {
          const { kind, labels, origin, help } = instruments[name];
          const from = origin === 'database' ? 'the installation' : 'the process';
          return `| \`${name}\` | ${kind} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${from} | ${help} |`;
        });
      return [`### ${section}`, '', '| metric | kind | labels | of | |', '|---|---|---|---|---|', ...rows].join('\n');
    })
    .join('\n\n');
}
