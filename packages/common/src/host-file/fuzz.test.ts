import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDiagnostics } from '../kdl/index.js';
import type { Capacity, PoolOffer } from '../store/index.js';
import { hostCodes } from './diagnostic-codes.js';
import { describeHost, type HostDescription, offersOf, readHostFile, readHostFileBytes } from './index.js';

/** Set SOLSTICE_FUZZ_SEED to repeat a run, SOLSTICE_FUZZ_RUNS for a longer one. */
const seed = Number(process.env.SOLSTICE_FUZZ_SEED ?? Date.now() % 2 ** 31);
const numRuns = Number(process.env.SOLSTICE_FUZZ_RUNS ?? 400);
console.info(`host file fuzz: SOLSTICE_FUZZ_SEED=${seed}`);

const folder = new URL('./fixtures/', import.meta.url);
const corpus = ['good', 'bad'].flatMap((kind) =>
  readdirSync(new URL(`${kind}/`, folder))
    .filter((name) => name.endsWith('.kdl'))
    .map((name) => readFileSync(new URL(`${kind}/${name}`, folder), 'utf8')),
);

/** What readers trip over. */
const pieces = [
  ...'{}()[]"#/\\=;-_*.,:',
  ...'aeinrstu019 \t\n\r',
  ...['"""', '#"', '/*', '*/', '//', '/-', '\\u{', '#true', '#null', '#inf', '#nan', '1e9', '-0', '0x10', '1_0'],
  ...['\u0000', '\u2028', '\ufeff', '\ud800', '\u{1f600}', '__proto__', 'constructor'],
  ...['host ', 'pool ', 'alias ', 'capacity ', 'backend=', 'memory="', 'GiB', 'cpus=', 'trusted-only ', '"*"', '$&'],
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

const machine = { cpus: 4096, memoryBytes: 1024 ** 5, slots: 1 };

/** Undefined: the pools don't fit what the machine has beside the file, which is told too. */
function offered(host: HostDescription, capacity: Capacity): PoolOffer[] | undefined {
  try {
    return offersOf(host, capacity);
  } catch (error) {
    expect(error).toMatchObject({ code: 'host-file-invalid' });
    return undefined;
  }
}

function expectSound(text: string): void {
  const result = readHostFile(text, 'f.kdl');
  const diagnostics = 'host' in result ? result.host.warnings : result.diagnostics;
  expect(diagnostics.some(({ severity }) => severity === 'error')).toBe(!('host' in result));
  const lines = text.split(/\r\n|\n|\r/);
  for (const { line, column, endLine, endColumn, code, message, hint } of diagnostics) {
    expect(hostCodes).toHaveProperty(code);
    // The parser's own failure is a diagnostic too, but a bug.
    expect(code).not.toBe('parse-failed');
    expect(message).not.toBe('');
    expect(hint).toBeTruthy();
    expect(endLine > line || (endLine === line && endColumn >= column)).toBe(true);
    expect(column).toBeLessThanOrEqual((lines[line - 1] ?? '').length + 1);
  }
  const told = formatDiagnostics(diagnostics, { 'f.kdl': text }, { color: false });
  expect(told.replaceAll('\n', '').replaceAll('\t', '')).not.toMatch(/\p{Cc}/u);
  if (!('host' in result)) return;
  const { host } = result;
  const capacity = { ...machine, ...host.capacity };
  const offers = offered(host, capacity);
  if (offers === undefined) return;
  expect(offers).toHaveLength(host.pools.length + host.aliases.length);
  expect(offers.length).toBeGreaterThan(0);
  expect(new Set(offers.map(({ name }) => name)).size).toBe(offers.length);
  for (const { cpus, memoryBytes } of offers) {
    expect(cpus > 0 && cpus <= capacity.cpus).toBe(true);
    expect(memoryBytes >= 128 * 1024 ** 2 && memoryBytes <= capacity.memoryBytes).toBe(true);
  }
  expect(describeHost(host, { id: 'x', capacity: machine })).toContain(offers[0]?.name);
}

describe('no text makes the reader throw, or say something unsound', () => {
  it('mutations of the corpus', () => {
    fc.assert(fc.property(mutated, expectSound), { seed, numRuns });
  });

  it('random text', () => {
    const random = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.array(fc.constantFrom(...pieces), { maxLength: 200 }).map((some) => some.join('')),
    );
    fc.assert(fc.property(random, expectSound), { seed, numRuns });
  });

  it('bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const result = readHostFileBytes(bytes, 'f.kdl');
        expect('host' in result || result.diagnostics.length > 0).toBe(true);
      }),
      { seed, numRuns },
    );
  });
});

describe('what is written is what is understood', () => {
  const name = fc.oneof(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/), fc.constant('*'));
  const pool = fc.record({
    name,
    backend: fc.constantFrom('container', 'process'),
    cpus: fc.option(fc.integer({ min: 1, max: 64 }), { nil: undefined }),
    gib: fc.option(fc.integer({ min: 1, max: 512 }), { nil: undefined }),
    trustedOnly: fc.boolean(),
    asChildren: fc.boolean(),
    dash: fc.constantFrom('trusted_only', 'trusted-only'),
  });
  const pools = fc.uniqueArray(pool, { selector: (one) => one.name, minLength: 1, maxLength: 8 });

  it('for any host, in any of its spellings', () => {
    fc.assert(
      fc.property(pools, fc.nat(7), (all, which) => {
        const target = all[which % all.length]?.name ?? '';
        const blocks = all.map((one) => {
          const words: [string, string][] = [['backend', JSON.stringify(one.backend)]];
          if (one.cpus !== undefined) words.push(['cpus', String(one.cpus)]);
          if (one.gib !== undefined) words.push(['memory', `"${one.gib}GiB"`]);
          const flag = one.trustedOnly ? one.dash : '';
          const flagChild = one.trustedOnly ? `${one.dash};` : '';
          const q = JSON.stringify(one.name);
          return one.asChildren
            ? `pool { name ${q}; ${words.map(([word, value]) => `${word} ${value};`).join(' ')} ${flagChild} }`
            : `pool ${q} ${flag} ${words.map(([word, value]) => `${word}=${value}`).join(' ')}`;
        });
        const alias = 'an-alias-that-no-pool-is-called';
        const text = `host "h" {\n alias "${alias}" ${JSON.stringify(target)}\n ${blocks.join('\n')}\n}`;
        const result = readHostFile(text, 'f.kdl');
        if (!('host' in result)) throw new Error(formatDiagnostics(result.diagnostics, {}, { color: false }));
        expect(result.host.warnings).toEqual([]);
        expect(result.host.aliases).toEqual([{ name: alias, pool: target }]);
        expect(result.host.pools.map(({ span: _, ...one }) => one)).toEqual(
          all.map((one) => ({
            name: one.name,
            backend: one.backend,
            ...(one.cpus === undefined ? {} : { cpus: one.cpus }),
            ...(one.gib === undefined ? {} : { memoryBytes: one.gib * 1024 ** 3 }),
            ...(one.trustedOnly ? { trustedOnly: true } : {}),
          })),
        );
      }),
      { seed, numRuns: Math.ceil(numRuns / 2) },
    );
  });
});
