import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runTool } from './commands.mjs';
import { root } from './root.mjs';

/** One rule each that the planted imports of scripts/fixtures/import-walls break. */
export const plantedRules = [
  'common-flow-imports',
  'entry-points-only',
  'no-cycles',
  'no-test-in-product',
  'no-unresolved',
  'runner-imports',
];

/**
 * Looks, with the rules of .dependency-cruiser.cjs at a folder that is laid out like the checkout.
 *
 * @param {string} folder
 * @param {string[]} parts folders in it
 * @returns {Promise<{ moduleCount: number, violations: { rule: string, from: string, to: string }[] }>}
 */
async function cruise(folder, parts) {
  const args = [...parts, '--config', join(root, '.dependency-cruiser.cjs'), '--output-type', 'json'];
  const { output } = await runTool('dependency-cruiser/bin/dependency-cruise.mjs', args, { cwd: folder });
  let answer;
  try {
    answer = JSON.parse(output);
  } catch {
    throw new Error(`dependency-cruiser did not answer:\n${output}`);
  }
  const violations = answer.summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to }));
  const modules = answer.modules.filter(({ source }) => parts.some((part) => source.startsWith(`${part}/`)));
  return { moduleCount: modules.length, violations };
}

/** The bad imports that are planted; what does not report these reports nothing. */
export function cruisePlanted() {
  return cruise(join(root, 'scripts/fixtures/import-walls'), ['packages']);
}

/** The import walls of the product, with the proof that they stand. */
export async function checkImportWalls() {
  const planted = await cruisePlanted();
  const reported = new Set(planted.violations.map(({ rule }) => rule));
  const missed = plantedRules.filter((rule) => !reported.has(rule));
  if (missed.length > 0) {
    return { code: 1, output: `planted bad imports were not reported: ${missed.join(', ')}` };
  }
  const { moduleCount, violations } = await cruise(root, ['packages', 'e2e']);
  // Where the parser is missing it sees no modules, and nothing wrong with them.
  const fileCount = countSources(join(root, 'packages')) + countSources(join(root, 'e2e'));
  if (moduleCount < fileCount) {
    return { code: 1, output: `dependency-cruiser saw ${moduleCount} modules, but there are ${fileCount} files` };
  }
  const lines = violations.map(({ rule, from, to }) => `${from} may not import ${to} (${rule})`);
  return { code: lines.length === 0 ? 0 : 1, output: lines.join('\n') };
}

function countSources(folder) {
  let count = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory() && !['node_modules', 'dist', 'gen', 'fixtures', 'scenarios'].includes(entry.name)) {
      count += countSources(join(folder, entry.name));
    } else if (entry.isFile() && /(?<!\.d)\.ts$/.test(entry.name)) {
      count += 1;
    }
  }
  return count;
}
