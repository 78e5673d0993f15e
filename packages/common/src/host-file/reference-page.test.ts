import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseSettings } from '../config/index.js';
import { type Diagnostic, formatDiagnostics } from '../kdl/index.js';
import { describeHost, type HostDescription, readHostFile } from './index.js';
import { renderHostPage } from './reference-page.js';
import { words } from './words.js';

const file = '../../../../docs/host.md';
const page = readFileSync(new URL(file, import.meta.url), 'utf8');

// scripts/generate-docs.mjs writes the page by running this test with --update.
it("the tables of docs/host.md are the reader's own", async () => {
  await expect(renderHostPage(page)).toMatchFileSnapshot(file);
});

it('every word is in a table', () => {
  const places = Object.keys(words).filter((place) => place !== 'file');
  expect(places.filter((place) => !page.includes(`<!-- generated: ${place} -->`))).toEqual([]);
});

const blocks = [
  ...page.matchAll(/(?:<!-- (settings|error|warning)(?:: ([a-z0-9-]+))? -->\n)?```kdl\n([\s\S]*?)```/g),
].map(([, expected, code, text = ''], index) => ({ index: index + 1, expected, code, text }));
const examples = blocks.filter(({ expected }) => expected !== 'settings');

function read(text: string): { host?: HostDescription; diagnostics: Diagnostic[] } {
  const result = readHostFile(text, 'host.kdl');
  return 'host' in result ? { host: result.host, diagnostics: result.host.warnings } : result;
}

describe('the examples of docs/host.md', () => {
  it('are there', () => expect(examples.length).toBeGreaterThanOrEqual(8));

  it.each(examples)('$index', ({ expected, code, text }) => {
    const found = new Set(read(text).diagnostics.map((one) => `${one.severity} ${one.code}`));
    expect([...found]).toEqual(expected === undefined ? [] : [`${expected} ${code}`]);
  });

  it('the settings name the file', () => {
    const text = blocks.find(({ expected }) => expected === 'settings')?.text;
    const machine = { cpus: 4, memoryBytes: 8e9, hostname: 'alder', uid: 0, home: '/root' };
    const { host } = parseSettings(text, '/etc/solstice/solstice.kdl', {}, machine);
    expect(host.file).toBe('/etc/solstice/host.kdl');
  });

  const otherwise = { id: 'x', capacity: { cpus: 1, memoryBytes: 1, slots: 1 } };
  const printed = (example: { text: string } | undefined): string => {
    const { host, diagnostics } = read(example?.text ?? '');
    const told = formatDiagnostics(diagnostics, { 'host.kdl': example?.text ?? '' }, { color: false });
    return host === undefined ? told : describeHost(host, otherwise);
  };

  it('what check-host prints of them is what it prints', () => {
    const shown = [...page.matchAll(/```console\n\$ solstice check-host \S+\n([\s\S]*?)```/g)].map(([, text]) => text);
    const wrong = examples.find(({ code }) => code === 'unknown-pool');
    expect(shown).toEqual([printed(examples[0]), printed(wrong)]);
  });

  it('the first is said otherwise further down', () => {
    const again = page.slice(page.indexOf('This is the first example again'));
    const text = /```kdl\n([\s\S]*?)```/.exec(again)?.[1] ?? '';
    expect(printed({ text })).toBe(printed(examples[0]));
  });
});
