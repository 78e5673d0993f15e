import { describe, expect, it } from 'vitest';
import { hasErrors } from '../kdl/index.js';
import { workflowLimits } from './limits.js';
import { parseWorkflow } from './parse-workflow.js';
import { refuseUnavailable } from './unavailable.js';
import type { Workflow } from './workflow.js';
import { checkTogether, decodeWorkflow, looksLikeWorkflowPath, tooLarge, tooManyFiles } from './workflow-files.js';

function named(file: string, name: string): Workflow {
  const { workflow } = parseWorkflow(`workflow "${name}" {\n on "push"\n job a { step run="true"; }\n}`, { file });
  if (workflow === undefined) throw new Error('the test has a bad workflow');
  return workflow;
}

it.each([
  ['.solstice/ci.kdl', true],
  ['.solstice/a b.kdl', true],
  ['.solstice/sub/ci.kdl', false],
  ['.solstice/.kdl', false],
  ['sub/.solstice/ci.kdl', false],
  ['.solstice/ci.kdl.orig', false],
  ['.solstice', false],
  ['solstice/ci.kdl', false],
])('looksLikeWorkflowPath %s: %s', (path, looks) => expect(looksLikeWorkflowPath(path)).toBe(looks));

describe('decodeWorkflow', () => {
  it('takes UTF-8, and keeps a byte order mark for the parser', () => {
    expect(decodeWorkflow(Buffer.from('\ufeffä'), { file: 'a' })).toEqual({ text: '\ufeffä' });
  });
  it('refuses what is no text, and what is too large', () => {
    expect(decodeWorkflow(Buffer.from([0xff, 0xfe, 0x41]), { file: 'a' })).toMatchObject({
      diagnostic: { code: 'not-utf8' },
    });
    const large = Buffer.alloc(workflowLimits.fileBytes + 1, 'a');
    expect(decodeWorkflow(large, { file: 'a' })).toMatchObject({ diagnostic: { code: 'file-too-large' } });
  });
});

it('a file may have 256 KiB, in bytes', () => {
  expect(tooLarge('a', 262_144)).toBeUndefined();
  expect(tooLarge('a', 262_145)?.message).toBe('the file has 257 KiB, and 256 KiB is the most');
  const text = `// ${'ä'.repeat(131_072)}`;
  expect(parseWorkflow(text, { file: 'a' }).diagnostics[0]?.code).toBe('file-too-large');
});

it('one node may have 1,000 values', () => {
  const text = `workflow "x" { on "push"; job a ${'1 '.repeat(1_001)}; }`;
  expect(parseWorkflow(text, { file: 'a' }).diagnostics.map((one) => one.code)).toContain('too-many-values');
});

it('tooManyFiles names those beyond the limit', () => {
  const files = Array.from({ length: 34 }, (_, index) => `${index}.kdl`);
  expect(tooManyFiles(files.slice(0, 32))).toEqual([]);
  expect(tooManyFiles(files).map(({ file, code }) => `${file} ${code}`)).toEqual([
    '32.kdl too-many-files',
    '33.kdl too-many-files',
  ]);
});

it('checkTogether finds two of one name, at the name', () => {
  expect(checkTogether([named('a.kdl', 'A'), named('b.kdl', 'B')])).toEqual([]);
  expect(checkTogether([named('a.kdl', 'A'), named('b.kdl', 'A')])).toMatchObject([
    { file: 'b.kdl', line: 1, column: 10, code: 'duplicate-workflow-name', severity: 'error' },
  ]);
});

it('refuseUnavailable makes errors of what is not available yet, and of nothing else', () => {
  const { diagnostics } = parseWorkflow('workflow "w" { job a { secret "X"; step run="true"; }; }', { file: 'a' });
  expect(diagnostics.map(({ code, severity }) => [code, severity])).toEqual([
    ['no-trigger', 'warning'],
    ['not-available-yet', 'warning'],
  ]);
  expect(hasErrors(diagnostics)).toBe(false);
  const refused = refuseUnavailable(diagnostics);
  expect(refused.map(({ severity }) => severity)).toEqual(['warning', 'error']);
  expect(refused.map(({ message }) => message)).toEqual(diagnostics.map(({ message }) => message));
});
