import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, freeze, isRefusal, runSpecSchema } from '../flow/index.js';
import {
  diagnosticCodes,
  formatDiagnostics,
  hasErrors,
  type ParseResult,
  parseWorkflow,
  refuseUnavailable,
  type Workflow,
} from './index.js';

/** Set SOLSTICE_FUZZ_SEED to repeat a run, SOLSTICE_FUZZ_RUNS for a longer one. */
const seed = Number(process.env.SOLSTICE_FUZZ_SEED ?? Date.now() % 2 ** 31);
const numRuns = Number(process.env.SOLSTICE_FUZZ_RUNS ?? 400);
console.info(`workflow fuzz: SOLSTICE_FUZZ_SEED=${seed}`);

const folder = new URL('./fixtures/', import.meta.url);
const corpus = ['good', 'bad'].flatMap((kind) =>
  readdirSync(new URL(`${kind}/`, folder))
    .filter((name) => name.endsWith('.kdl') && !/^(too-many-(?!inputs)|run-too-large)/.test(name))
    .map((name) => readFileSync(new URL(`${kind}/${name}`, folder), 'utf8')),
);

/** What lexers trip over. */
const pieces = [
  ...'{}()[]"#/\\=;-_*+.,:!?$&|<>~`\'',
  ...'aeinrstu019 \t\n\r',
  ...['"""', '#"', '"#', '/*', '*/', '//', '/-', '\\\n', '\\u{', '${', '${a.b}', '#true', '#null', '#inf', '#nan'],
  ...['\u0000', '\u0085', '\u2028', '\ufeff', '\ud800', '\u{1f600}', '\u202e', '0x', '1e9', '-0', '1_0', '(u8)'],
  ...['${matrix.os}', '${branch}', '$${', '${inputs.level', 'matrix { axis "a" 1 2; }', 'include a=3', 'exclude a=1'],
  ...['template "t" {', 'like="t"', 'retry 2', 'wait "w" for="1m"', 'output "o" file="f"', 'catch {', 'on="always"'],
  ...['when="', 'when="needs.a.result == \'failed\'"', "changed('src/**')", "glob(tag, 'v*')", 'needs["a"].outputs.b'],
  ...['branch "b" when="true" {', 'then {', 'else {', 'on_failure {', 'deadline="1h"', 'needs "b"', 'error.kind', '&&'],
  ...['gate "g" {', 'approvers "user:a"', 'count=2', 'then="approve"', 'input "i" type="int"', 'prompt "${tag}?"'],
  ...['service "s" image="i:1"', 'ready "r"', 'on "schedule" cron="0 3 * * *"', 'concurrency group="${branch}"'],
  ...['job', 'step', 'run=', 'needs ', 'env ', 'on "push"', 'timeout="1m"', 'workflow "w" {', 'matrix {', '__proto__'],
];

const edit = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  remove: fc.oneof({ weight: 4, arbitrary: fc.nat(3) }, fc.nat(200)),
  insert: fc.array(fc.constantFrom(...pieces), { maxLength: 3 }),
  times: fc.oneof({ weight: 6, arbitrary: fc.constant(1) }, fc.nat(300)),
});

const mutated = fc
  .tuple(fc.constantFrom(...corpus), fc.array(edit, { minLength: 1, maxLength: 5 }))
  .map(([text, edits]) =>
    edits.reduce((now, { at, remove, insert, times }) => {
      const start = Math.floor(at * now.length);
      return now.slice(0, start) + insert.join('').repeat(times) + now.slice(start + remove);
    }, text),
  );

function expectSound(text: string, result: ParseResult): void {
  const { workflow, diagnostics } = result;
  const lines = text.split(/\r\n|\n|\r/);
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 'error');
  expect(workflow === undefined).toBe(errors.length > 0);
  let before = { line: 0, column: 0 };
  for (const diagnostic of diagnostics) {
    const { line, column, endLine, endColumn, code, message, hint } = diagnostic;
    expect(diagnosticCodes).toHaveProperty(code);
    // The parser's own failure is a diagnostic too, but a bug.
    expect(code).not.toBe('parse-failed');
    expect(message).not.toBe('');
    expect(hint).toBeTruthy();
    expect(line > before.line || (line === before.line && column >= before.column)).toBe(true);
    expect(endLine > line || (endLine === line && endColumn >= column)).toBe(true);
    expect(endLine).toBeLessThanOrEqual(lines.length);
    expect(column).toBeLessThanOrEqual((lines[line - 1] ?? '').length + 1);
    before = { line, column };
  }
  const told = formatDiagnostics(diagnostics, { 'f.kdl': text }, { color: false });
  expect(told.replaceAll('\n', '').replaceAll('\t', '')).not.toMatch(/\p{Cc}/u);
  expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  // The planner goes no further with what is not available yet: of a gate, say, there is no node to wait for.
  if (workflow !== undefined && !hasErrors(refuseUnavailable(diagnostics))) expectFreezes(workflow);
}

/** Whatever is understood becomes a run that can be stored, or it is told why not. */
function expectFreezes(workflow: Workflow): void {
  const { spec, diagnostics } = freeze(workflow, { branch: 'main', tag: '', sha: 'c0ffee', event: 'push' });
  if (spec === undefined) {
    expect(diagnostics.map(({ code }) => code)).toContain('bad-value');
    return;
  }
  expect(runSpecSchema.parse(spec)).toEqual(spec);
  // The engine refuses what could never end.
  expect(isRefusal(decide(undefined, { kind: 'plan', runId: 'r', spec }, 1_000))).toBe(false);
  const ids = new Set(spec.nodes.map(({ id }) => id));
  expect(ids.size).toBe(spec.nodes.length);
  expect(spec.nodes.flatMap(({ needs }) => needs).filter((need) => !ids.has(need))).toEqual([]);
}

describe('no text makes the parser throw, or say something unsound', () => {
  it('mutations of the corpus', () => {
    fc.assert(
      fc.property(mutated, (text) => expectSound(text, parseWorkflow(text, { file: 'f.kdl' }))),
      { seed, numRuns },
    );
  });

  it('random text', () => {
    const random = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.array(fc.constantFrom(...pieces), { maxLength: 200 }).map((some) => some.join('')),
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    );
    fc.assert(
      fc.property(random, (text) => expectSound(text, parseWorkflow(text, { file: 'f.kdl' }))),
      { seed, numRuns },
    );
  });
});

describe('what is written is what is understood', () => {
  const id = fc
    .stringMatching(/^[a-z][a-z0-9_-]{0,8}$/)
    .filter((one) => !['true', 'false', 'null', 'inf', 'nan'].includes(one));
  // JSON's escapes for these are KDL's too.
  const text = fc
    .string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 20 })
    .filter((one) => one.trim() !== '' && !one.includes('${'));
  const env = fc.dictionary(fc.stringMatching(/^[A-Z][A-Z0-9_]{0,5}$/), text, { maxKeys: 3, noNullPrototype: true });
  const job = fc.record({
    id,
    pool: fc.option(id, { nil: undefined }),
    minutes: fc.option(fc.integer({ min: 1, max: 500 }), { nil: undefined }),
    env,
    asChildren: fc.boolean(),
    dash: fc.constantFrom('runs_on', 'runs-on'),
    steps: fc.array(fc.record({ name: text, script: text, env }), { minLength: 1, maxLength: 3 }),
  });
  const jobs = fc.uniqueArray(job, { selector: (one) => one.id, minLength: 1, maxLength: 5 });
  const q = JSON.stringify;
  const writtenEnv = (variables: Record<string, string>): string =>
    Object.keys(variables).length === 0
      ? ''
      : `env ${Object.entries(variables)
          .map(([name, value]) => `${name}=${q(value)}`)
          .join(' ')};`;

  it('for any workflow, in any of its spellings', () => {
    fc.assert(
      fc.property(text, jobs, (name, all) => {
        const blocks = all.map((one, index) => {
          const words: Array<[string, string]> = [['id', one.id]];
          if (one.pool !== undefined) words.push([one.dash, one.pool]);
          if (one.minutes !== undefined) words.push(['timeout', `${one.minutes}m`]);
          if (index > 0) words.push(['needs', all[index - 1]?.id ?? '']);
          const steps = one.steps.map(
            (step) => `step name=${q(step.name)} run=${q(step.script)} { ${writtenEnv(step.env)} };`,
          );
          const head = one.asChildren ? '' : words.map(([word, value]) => `${word}=${q(value)}`).join(' ');
          const body = one.asChildren ? words.map(([word, value]) => `${word} ${q(value)};`).join(' ') : '';
          return `job ${head} { ${body} ${writtenEnv(one.env)} ${steps.join(' ')} }\n`;
        });
        const written = `workflow name=${q(name)} {\n on "push"\n ${blocks.join('')}}\n`;
        const { workflow, diagnostics } = parseWorkflow(written, { file: 'f.kdl' });
        expect(diagnostics).toEqual([]);
        expect(workflow?.name).toBe(name);
        expect(workflow?.jobs.map((one) => ({ ...one, span: undefined, setup: undefined, name: undefined }))).toEqual(
          all.map((one, index) => ({
            id: one.id,
            runsOn: one.pool,
            env: one.env,
            needs: index > 0 ? [all[index - 1]?.id] : [],
            timeoutMs: one.minutes === undefined ? undefined : one.minutes * 60_000,
            steps: one.steps.map((step) => ({
              name: step.name,
              env: step.env,
              action: { kind: 'run', script: step.script },
            })),
          })),
        );
      }),
      { seed, numRuns: Math.ceil(numRuns / 4) },
    );
  });
});
