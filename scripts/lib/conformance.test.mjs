import { expect, it } from 'vitest';
import { conformancePages, verdictsOf } from './conformance.mjs';

const features = [
  { name: 'sequence', means: 'One after the other.' },
  { name: 'branch', means: 'One or the other.' },
  { name: 'retry', means: 'Once more.' },
  { name: 'cancel', means: 'No more.' },
];
const report = {
  testResults: [
    {
      name: 'graph.conformance.ts',
      assertionResults: [
        { title: 'sequence', status: 'passed' },
        { title: 'branch', status: 'failed' },
        { title: 'retry', status: 'pending' },
        { title: 'something else', status: 'passed' },
      ],
    },
  ],
};

it('tells for each feature what the test of its name came to, and which tests are of none', () => {
  const { verdicts, unknown } = verdictsOf(report, features);
  expect(verdicts.map(({ verdict }) => verdict)).toEqual(['shown', 'not shown', 'skipped', 'no test']);
  expect(unknown).toEqual(['something else']);
  const { md, json } = conformancePages(verdicts);
  expect(md).toContain('| sequence | One after the other. | shown, by `graph.conformance.ts` |');
  expect(md).toContain('| cancel | No more. | no test |');
  expect(JSON.parse(json).features).toEqual(verdicts);
});

it('says that nothing has a test when nothing was reported', () => {
  expect(verdictsOf(undefined, features).verdicts.every(({ verdict }) => verdict === 'no test')).toBe(true);
});
