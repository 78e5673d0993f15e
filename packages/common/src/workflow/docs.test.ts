import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseWorkflow } from './index.js';

/** Every example that docs/workflow.md shows, also those in its prose; what becomes of them, see reference/page.test.ts. */
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
});
