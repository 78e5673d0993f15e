import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Diagnostic } from './diagnostic.js';
import { sarifLog } from './sarif.js';

const codes = { syntax: 'The text is not KDL.', 'unknown-word': 'There is no such word.' };
const tool = { name: 'cidev', version: '1.2.3', codes };
const wrong: Diagnostic = {
  file: '.solstice/ci.kdl',
  line: 3,
  column: 18,
  endLine: 3,
  endColumn: 22,
  severity: 'error',
  code: 'unknown-word',
  message: 'there is no word "stpe" in "job"',
  hint: 'Did you mean "step"?',
};

/** What of SARIF 2.1.0 is written, as its JSON Schema has it. */
const counted = z.number().int().min(1);
const log = z.strictObject({
  $schema: z.url(),
  version: z.literal('2.1.0'),
  runs: z.array(
    z.strictObject({
      tool: z.strictObject({
        driver: z.strictObject({
          name: z.string(),
          version: z.string(),
          rules: z.array(z.strictObject({ id: z.string(), shortDescription: z.strictObject({ text: z.string() }) })),
        }),
      }),
      columnKind: z.enum(['utf16CodeUnits', 'unicodeCodePoints']),
      results: z.array(
        z.strictObject({
          ruleId: z.string(),
          ruleIndex: z.number().int().min(0),
          level: z.enum(['none', 'note', 'warning', 'error']),
          message: z.strictObject({ text: z.string() }),
          locations: z.array(
            z.strictObject({
              physicalLocation: z.strictObject({
                artifactLocation: z.strictObject({
                  uri: z.string().regex(/^(?:[A-Za-z0-9._~!*'()/-]|%[0-9A-F]{2})+$/),
                  uriBaseId: z.literal('%SRCROOT%'),
                }),
                region: z.strictObject({
                  startLine: counted,
                  startColumn: counted,
                  endLine: counted,
                  endColumn: counted,
                }),
              }),
            }),
          ),
        }),
      ),
    }),
  ),
});

describe('sarifLog', () => {
  it('says what was found, and where', () => {
    const made = sarifLog([wrong], tool);
    expect(log.parse(made)).toEqual(made);
    expect(made.runs[0]?.tool.driver.rules).toEqual([
      { id: 'unknown-word', shortDescription: { text: 'There is no such word.' } },
    ]);
    expect(made.runs[0]?.results).toEqual([
      {
        ruleId: 'unknown-word',
        ruleIndex: 0,
        level: 'error',
        message: { text: 'there is no word "stpe" in "job"\nDid you mean "step"?' },
        locations: [
          {
            physicalLocation: {
              artifactLocation: { uri: '.solstice/ci.kdl', uriBaseId: '%SRCROOT%' },
              region: { startLine: 3, startColumn: 18, endLine: 3, endColumn: 22 },
            },
          },
        ],
      },
    ]);
  });

  it('is a whole log when nothing is wrong: what was found before is told to be gone', () => {
    const made = sarifLog([], tool);
    expect(log.parse(made)).toEqual(made);
    expect(made.runs).toHaveLength(1);
  });

  it('writes paths as references', () => {
    const uri = (file: string) =>
      sarifLog([{ ...wrong, file }], tool).runs[0]?.results[0]?.locations[0]?.physicalLocation.artifactLocation.uri;
    expect(uri('a b/ü#1.kdl')).toBe('a%20b/%C3%BC%231.kdl');
    expect(uri('c:x?%.kdl')).toBe('c%3Ax%3F%25.kdl');
    expect(uri('../other/x.kdl')).toBe('../other/x.kdl');
  });

  it('has its form for any diagnostics, and each result its rule', () => {
    const diagnostic = fc.record({
      file: fc.string({ unit: 'grapheme', minLength: 1 }),
      line: fc.integer({ min: 1 }),
      column: fc.integer({ min: 1 }),
      endLine: fc.integer({ min: 1 }),
      endColumn: fc.integer({ min: 1 }),
      severity: fc.constantFrom('error' as const, 'warning' as const),
      code: fc.constantFrom('syntax', 'unknown-word', 'of-tomorrow'),
      message: fc.string(),
      hint: fc.string(),
    });
    fc.assert(
      fc.property(fc.array(diagnostic), (diagnostics) => {
        const made = sarifLog(diagnostics, tool);
        expect(log.parse(JSON.parse(JSON.stringify(made)))).toEqual(made);
        const [run] = made.runs;
        expect(run?.results.map(({ ruleIndex }) => run.tool.driver.rules[ruleIndex]?.id)).toEqual(
          diagnostics.map(({ code }) => code),
        );
      }),
    );
  });
});
