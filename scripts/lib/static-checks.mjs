import { run, runTool } from './commands.mjs';
import { checkForeignWords } from './foreign-words.mjs';
import { checkImportWalls } from './import-walls.mjs';
import { sayStep } from './step.mjs';

/** Everything that is checked without running the product. Each answers with a code and what to print if it isn't 0. */
const checks = [
  ['format and lint', () => runTool('@biomejs/biome/bin/biome', ['check', '--error-on-warnings', '.'])],
  ['types', () => runTool('typescript/bin/tsc', ['-p', 'tsconfig.check.json', '--pretty', 'false'])],
  ['import walls', checkImportWalls],
  ['unused code and dependencies', () => runTool('knip/bin/knip.js', ['--no-progress', '--no-config-hints'])],
  ['generated code is current', () => run(process.execPath, ['scripts/generate-proto.mjs', '--check'])],
  ['no machine or registry is named', checkForeignWords],
];

/**
 * Runs them one after the other, each with a line.
 *
 * @returns {Promise<{ passed: number, failed: number }>}
 */
export async function runStaticChecks() {
  const counts = { passed: 0, failed: 0 };
  for (const [title, check] of checks) {
    const start = performance.now();
    const { code, output } = await check().catch((error) => ({ code: 1, output: String(error) }));
    sayStep(code === 0, title, performance.now() - start, output);
    counts[code === 0 ? 'passed' : 'failed'] += 1;
  }
  return counts;
}
