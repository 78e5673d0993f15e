import { describe, expect, it } from 'vitest';
import { freeze } from '../../flow/index.js';
import { candidates, findWord, hasErrors, type LocatedNode, readDocument } from '../../kdl/index.js';
import { parseWorkflow } from '../index.js';
import { isPlaceBuilt, type Place, words, workflowLanguage } from '../words.js';
import { renderWorkflowPage, sections } from './page.js';

// scripts/generate-docs.mjs writes the page by running this test with --update.
it("docs/workflow.md is the parser's own", async () => {
  await expect(renderWorkflowPage()).toMatchFileSnapshot('../../../../../docs/workflow.md');
});

const examples = sections.flatMap((section) =>
  section.examples.map((example, index) => ({ name: `${section.title} ${index + 1}`, ...example })),
);

describe('the examples of docs/workflow.md', () => {
  it.each(examples)('$name', ({ kdl, told, workflow: expected, values, nodes, run }) => {
    const { workflow, diagnostics } = parseWorkflow(kdl, { file: '.solstice/ci.kdl' });
    const found = [...new Set(diagnostics.map((diagnostic) => `${diagnostic.severity} ${diagnostic.code}`))];
    expect(found).toEqual(told === undefined ? [] : [told]);
    if (hasErrors(diagnostics)) return;
    if (workflow === undefined) throw new Error('there is no error, and no workflow');
    if (expected !== undefined) expect(workflow).toMatchObject(expected);
    const { spec } = freeze(workflow, values);
    if (nodes !== undefined) {
      expect(spec?.nodes.map(({ id }) => id)).toEqual(Object.keys(nodes));
      expect(Object.fromEntries(spec?.nodes.map((node) => [node.id, node]) ?? [])).toMatchObject(nodes);
    }
    if (run !== undefined) expect(spec).toMatchObject(run);
    expect(expected ?? nodes ?? run, 'an outcome').toBeDefined();
  });
});

const places = (Object.keys(words) as Place[]).filter(isPlaceBuilt);
const builtWords = (place: Place) => words[place].filter((word) => word.built).map((word) => word.name);

it('every word has a meaning on the page, and no other', () => {
  const meant = Object.fromEntries(
    sections.flatMap((section) => section.places ?? []).map((one) => [one.place, Object.keys(one.words).sort()]),
  );
  expect(meant).toEqual(Object.fromEntries(places.map((place) => [place, builtWords(place).sort()])));
});

it('every word stands in an example', () => {
  const used = new Set<string>();
  for (const { kdl } of examples) {
    readDocument(kdl, { file: 'x.kdl', kind: workflowLanguage.kind }, (document) => note(document, 'file', used));
  }
  // In a template as in a job.
  const wanted = places
    .filter((place) => place !== 'template')
    .flatMap((place) => builtWords(place).map((word) => `${place}: ${word}`));
  // Said by the first argument in every example.
  const byArgument = ['setup: path'];
  expect(wanted.filter((word) => !used.has(word) && !byArgument.includes(word))).toEqual([]);
});

function note(nodes: readonly LocatedNode[], place: Place, used: Set<string>): undefined {
  for (const node of nodes) {
    const word = findWord(words, place, node.name);
    if (word === undefined) continue;
    used.add(`${place}: ${word.name}`);
    const inside = workflowLanguage.insideOf({ ...word, inside: word.inside as Place }, node.arguments[0]?.value);
    if (inside === undefined) continue;
    note(
      candidates(node).map((one) => one.node),
      inside,
      used,
    );
  }
}
