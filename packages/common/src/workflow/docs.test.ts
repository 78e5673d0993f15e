import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { diagnosticCodes, parseWorkflow } from './index.js';
import { words } from './words.js';

/** docs/workflow.md says what the parser does: its examples are parsed, its lists compared with the parser's own. */
const page = readFileSync(new URL('../../../../docs/workflow.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/(?:<!-- (error|warning): ([a-z0-9-]+) -->\n)?```kdl\n([\s\S]*?)```/g)].map(
  ([, severity, code, text = ''], index) => ({ index: index + 1, severity, code, text }),
);

describe('docs/workflow.md', () => {
  it('has examples', () => expect(examples.length).toBeGreaterThanOrEqual(5));

  it.each(examples)('example $index', ({ severity, code, text }) => {
    const { diagnostics } = parseWorkflow(text, { file: 'docs/workflow.md' });
    const found = new Set(diagnostics.map((diagnostic) => `${diagnostic.severity} ${diagnostic.code}`));
    expect([...found]).toEqual(severity === undefined ? [] : [`${severity} ${code}`]);
  });

  it('lists every code, with its meaning', () => {
    const listed = Object.fromEntries(
      [...page.matchAll(/^\| `([a-z0-9-]+)` \| (.*) \|$/gm)].map(([, code, meaning]) => [code, meaning]),
    );
    const ours = Object.fromEntries(Object.entries(diagnosticCodes).map(([code, meaning]) => [code, meaning]));
    expect(Object.fromEntries(Object.entries(listed).filter(([code]) => code !== undefined && code in ours))).toEqual(
      ours,
    );
  });

  it('lists every word that is not available yet', () => {
    const section = page.slice(page.indexOf('## Not available yet'), page.indexOf('## Limits'));
    const later = (['workflow', 'on push', 'job', 'needs', 'step'] as const).flatMap((place) =>
      words[place].filter((word) => !word.built).map((word) => word.name),
    );
    expect(later.filter((word) => !section.includes(`\`${word}\``))).toEqual([]);
  });
});
