import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freeze } from '../flow/index.js';
import { diagnosticCodes, formatDiagnostics, hasErrors, parseWorkflow } from './index.js';

/**
 * fixtures/good/x.kdl is understood as x.json says, with the warnings of x.txt, and where there is more to it becomes the
 * run of x.run.json; fixtures/bad/x.kdl is refused with the words of x.txt. SOLSTICE_UPDATE_GOLDEN=1 writes what comes out now; read the difference before committing it.
 */
const update = process.env.SOLSTICE_UPDATE_GOLDEN === '1';
const fixtures = new URL('./fixtures/', import.meta.url);

function corpus(folder: 'good' | 'bad') {
  return readdirSync(new URL(`${folder}/`, fixtures))
    .filter((name) => name.endsWith('.kdl'))
    .map((file) => ({
      name: basename(file, '.kdl'),
      file,
      text: readFileSync(new URL(`${folder}/${file}`, fixtures), 'utf8'),
      beside: (extension: string) => new URL(`${folder}/${basename(file, '.kdl')}.${extension}`, fixtures),
    }));
}

function expectGolden(path: URL, actual: string): void {
  if (update) writeFileSync(path, actual);
  expect(actual).toBe(existsSync(path) ? readFileSync(path, 'utf8') : '(there is no such file yet)');
}

describe('good workflow files', () => {
  const good = corpus('good');
  it('are at least twelve', () => expect(good.length).toBeGreaterThanOrEqual(12));
  it.each(good)('$name', ({ file, text, beside }) => {
    const { workflow, diagnostics } = parseWorkflow(text, { file });
    const told = formatDiagnostics(diagnostics, { [file]: text }, { color: false });
    if (told !== '') expectGolden(beside('txt'), told);
    else expect(existsSync(beside('txt'))).toBe(false);
    expect(hasErrors(diagnostics)).toBe(false);
    expectGolden(beside('json'), `${JSON.stringify(workflow, null, 2)}\n`);
    if (workflow === undefined || told !== '' || !/matrix|like=|wait |when|\$\{/.test(text)) return;
    const frozen = freeze(workflow, { branch: 'main', short_sha: 'c0ffee0' });
    expectGolden(beside('run.json'), `${JSON.stringify(frozen, null, 2)}\n`);
  });
});

describe('bad workflow files', () => {
  const bad = corpus('bad');
  it('are at least thirty-five', () => expect(bad.length).toBeGreaterThanOrEqual(35));
  it.each(bad)('$name', ({ file, text, beside }) => {
    const { workflow, diagnostics } = parseWorkflow(text, { file });
    expectGolden(beside('txt'), formatDiagnostics(diagnostics, new Map([[file, text]]), { color: false }));
    expect(workflow).toBeUndefined();
    expect(hasErrors(diagnostics)).toBe(true);
    for (const diagnostic of diagnostics) {
      expect(diagnosticCodes).toHaveProperty(diagnostic.code);
      expect(diagnostic.hint).toBeTruthy();
    }
  });
});

it('every code that a text alone can have is in the corpus', () => {
  const found = new Set(
    [...corpus('bad'), ...corpus('good')].flatMap(({ file, text }) =>
      parseWorkflow(text, { file }).diagnostics.map((diagnostic) => diagnostic.code),
    ),
  );
  const elsewhere = [
    'not-utf8',
    'file-too-large',
    'too-many-files',
    'too-many-values',
    'duplicate-workflow-name',
    'parse-deadline',
    'parse-failed',
    'bad-value',
  ];
  expect(Object.keys(diagnosticCodes).filter((code) => !found.has(code) && !elsewhere.includes(code))).toEqual([]);
});

it('the example of the language, word for word, has nothing wrong but words that are not available yet', () => {
  const text = readFileSync(new URL('good/whole-language.kdl', fixtures), 'utf8');
  const { workflow, diagnostics } = parseWorkflow(text, { file: 'x.kdl' });
  expect(workflow?.jobs.map((job) => job.id)).toEqual(['build', 'test', 'bench', 'publish', 'nightly', 'tell']);
  expect(new Set(diagnostics.map(({ severity, code }) => `${severity} ${code}`))).toEqual(
    new Set(['warning not-available-yet']),
  );
});
