import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './root.mjs';

const listFile = join(root, 'e2e/conformance/features.json');
const pages = { md: join(root, 'docs/conformance.md'), json: join(root, 'docs/conformance.json') };

/**
 * @typedef {{ name: string, means: string, verdict: 'shown' | 'not shown' | 'skipped' | 'no test', test?: string }} Verdict
 */

/**
 * What the tests say of each feature of the list. A test whose name is not on the list is an error.
 *
 * @param {object | undefined} report vitest's JSON report; undefined: it wrote none
 * @returns {{ verdicts: Verdict[], unknown: string[] }}
 */
export function verdictsOf(report, features = JSON.parse(readFileSync(listFile, 'utf8'))) {
  const tests = (report?.testResults ?? []).flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ title, status }) => ({ title, status, file: name.replace(`${root}/`, '') })),
  );
  const verdicts = features.map(({ name, means }) => {
    const found = tests.find(({ title }) => title === name);
    const verdict =
      found === undefined
        ? 'no test'
        : found.status === 'passed'
          ? 'shown'
          : found.status === 'failed'
            ? 'not shown'
            : 'skipped';
    return { name, means, verdict, ...(found && { test: found.file }) };
  });
  const names = new Set(features.map(({ name }) => name));
  return { verdicts, unknown: tests.map(({ title }) => title).filter((title) => !names.has(title)) };
}

/** The pages as these verdicts would have them. */
export function conformancePages(verdicts) {
  const rows = verdicts.map(
    ({ name, means, verdict, test }) => `| ${name} | ${means} | ${verdict}${test ? `, by \`${test}\`` : ''} |`,
  );
  return {
    md: `# Conformance

What a durable workflow engine is expected to do, and what a test of that name says of this one. Made by
\`pnpm conformance\`, which runs the tests on real processes, and is part of \`npm test\`.

| feature | what it means here | verdict |
|---|---|---|
${rows.join('\n')}
`,
    json: `${JSON.stringify({ features: verdicts }, undefined, 2)}\n`,
  };
}

export function writePages(verdicts) {
  const made = conformancePages(verdicts);
  for (const [kind, file] of Object.entries(pages)) {
    writeFileSync(file, made[kind]);
  }
}

/** The files in docs that say something else. */
export function staleConformancePages(verdicts) {
  const made = conformancePages(verdicts);
  return Object.entries(pages)
    .filter(([kind, file]) => !existsSync(file) || readFileSync(file, 'utf8') !== made[kind])
    .map(([, file]) => file.replace(`${root}/`, ''));
}
