// `pnpm check`: all that needs no build and no running parts: format, lint, types, import walls, unused code, generated
// files, unit tests (which also hold the generated pages of docs/).
import { isInterrupted, onInterrupt, runTool } from './lib/commands.mjs';
import { runStaticChecks } from './lib/static-checks.mjs';
import { sayStep } from './lib/step.mjs';

onInterrupt((code) => process.exit(code));
const { failed } = await runStaticChecks();
const start = performance.now();
const tests = await runTool('vitest/vitest.mjs', ['run', '--project', 'unit', '--reporter', 'dot']);
sayStep(tests.code === 0, 'unit tests', performance.now() - start, tests.output);
if (!isInterrupted()) {
  process.exitCode = failed > 0 || tests.code !== 0 ? 1 : 0;
}
