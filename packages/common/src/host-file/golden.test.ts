import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatDiagnostics, hasErrors } from '../kdl/index.js';
import { hostCodes } from './diagnostic-codes.js';
import { describeHost, readHostFile } from './index.js';

/**
 * fixtures/good/x.kdl is understood as x.txt describes it, warnings at the end; fixtures/bad/x.kdl is refused with the words
 * of x.txt. SOLSTICE_UPDATE_GOLDEN=1 writes what comes out now; read the difference before committing it.
 */
const update = process.env.SOLSTICE_UPDATE_GOLDEN === '1';
const fixtures = new URL('./fixtures/', import.meta.url);
const settings = { id: 'of-the-settings', capacity: { cpus: 96, memoryBytes: 2 * 1024 ** 4, slots: 96 } };

function corpus(folder: 'good' | 'bad') {
  return readdirSync(new URL(`${folder}/`, fixtures))
    .filter((name) => name.endsWith('.kdl'))
    .map((file) => ({
      name: basename(file, '.kdl'),
      file,
      text: readFileSync(new URL(`${folder}/${file}`, fixtures), 'utf8'),
      told: new URL(`${folder}/${basename(file, '.kdl')}.txt`, fixtures),
    }));
}

function expectGolden(path: URL, actual: string): void {
  if (update) writeFileSync(path, actual);
  expect(actual).toBe(existsSync(path) ? readFileSync(path, 'utf8') : '(there is no such file yet)');
}

describe('good host files', () => {
  it.each(corpus('good'))('$name', ({ file, text, told }) => {
    const result = readHostFile(text, file);
    if (!('host' in result)) expect.fail(formatDiagnostics(result.diagnostics, { [file]: text }, { color: false }));
    expect(hasErrors(result.host.warnings)).toBe(false);
    const warnings = formatDiagnostics(result.host.warnings, { [file]: text }, { color: false });
    expectGolden(told, describeHost(result.host, settings) + (warnings === '' ? '' : `\n${warnings}`));
  });

  it('mean the same however they are said', () => {
    const [design, children] = ['design', 'children'].map((name) => {
      const result = readHostFile(readFileSync(new URL(`good/${name}.kdl`, fixtures), 'utf8'), 'x');
      return 'host' in result ? JSON.parse(JSON.stringify({ ...result.host, warnings: [] }, withoutSpans)) : undefined;
    });
    expect(children).toEqual(design);
    expect(design).toBeDefined();
  });
});

function withoutSpans(key: string, value: unknown): unknown {
  return key === 'span' ? undefined : value;
}

describe('bad host files', () => {
  it.each(corpus('bad'))('$name', ({ file, text, told }) => {
    const result = readHostFile(text, file);
    if ('host' in result) expect.fail('it was accepted');
    expectGolden(told, formatDiagnostics(result.diagnostics, { [file]: text }, { color: false }));
    expect(hasErrors(result.diagnostics)).toBe(true);
    for (const { code, hint } of result.diagnostics) {
      expect(hostCodes).toHaveProperty(code);
      expect(hint).toBeTruthy();
    }
  });
});

it('every code that a text alone can have is in the corpus', () => {
  const found = new Set(
    [...corpus('bad'), ...corpus('good')].flatMap(({ file, text }) => {
      const result = readHostFile(text, file);
      return ('host' in result ? result.host.warnings : result.diagnostics).map(({ code }) => code);
    }),
  );
  const elsewhere = [
    'not-utf8',
    'file-too-large',
    'too-many-values',
    'too-many-pools',
    'parse-failed',
    // What they are known to disagree about cannot stand in a value that is right here; the workflows' corpus has it.
    'readers-disagree',
  ];
  expect(Object.keys(hostCodes).filter((code) => !found.has(code) && !elsewhere.includes(code))).toEqual([]);
});
