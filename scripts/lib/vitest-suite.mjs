import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isInterrupted, runTool } from './commands.mjs';
import { root } from './root.mjs';

/**
 * @typedef {{ passed: number, failed: number, skipped: number, slowest: { title: string, ms: number }[], notes: string[], report?: object }} Outcome
 */

/**
 * Runs one vitest project and counts what it says in its JSON report. A suite that crashed, or ran no test at all
 * where all were asked for, counts as a failure: silence is not success.
 *
 * @param {string} project
 * @param {{ filters: string[], env: Record<string, string | undefined>, reportFolder: string }} settings
 * @returns {Promise<Outcome>}
 */
export async function runSuite(project, { filters, env, reportFolder }) {
  const reportFile = join(reportFolder, `${project}.json`);
  const { code } = await runTool(
    'vitest/vitest.mjs',
    [
      'run',
      ...['--project', project],
      ...['--reporter', 'default', '--reporter', 'json', '--outputFile.json', reportFile],
      '--passWithNoTests',
      ...filters,
    ],
    { env: { ...env, ...colours() }, show: true },
  );
  const report = existsSync(reportFile) ? JSON.parse(readFileSync(reportFile, 'utf8')) : undefined;
  const ending = { code, isWhole: filters.length === 0, isInterrupted: isInterrupted() };
  return { ...countReport(project, report, ending), report };
}

/**
 * @param {string} project
 * @param {object | undefined} report vitest's JSON report; undefined: it wrote none
 * @param {{ code: number, isWhole: boolean, isInterrupted: boolean }} ending
 * @returns {Outcome}
 */
export function countReport(project, report, { code, isWhole, isInterrupted }) {
  const outcome = { passed: 0, failed: 0, skipped: 0, slowest: [], notes: [] };
  const fail = (note) => {
    outcome.failed += 1;
    outcome.notes.push(note);
  };
  for (const { name, status, assertionResults } of report?.testResults ?? []) {
    const file = name.replace(`${root}/`, '');
    let failedHere = 0;
    for (const { status: result, fullName, duration } of assertionResults) {
      if (result === 'passed') {
        outcome.passed += 1;
      } else if (result === 'failed') {
        failedHere += 1;
      } else {
        outcome.skipped += 1;
      }
      outcome.slowest.push({ title: `${file} ${fullName}`, ms: duration ?? 0 });
    }
    outcome.failed += failedHere;
    if (status === 'failed' && failedHere === 0) {
      fail(`${file}: failed outside its tests`);
    }
  }
  if (isInterrupted) {
    fail(`${project}: interrupted`);
  } else if (report === undefined) {
    fail(`${project}: crashed with exit code ${code} before it could report`);
  } else if (code !== 0 && outcome.failed === 0) {
    fail(`${project}: ended with exit code ${code} though no test failed (an error outside the tests)`);
  } else if (isWhole && outcome.passed + outcome.failed === 0) {
    fail(`${project}: no test ran`);
  }
  return outcome;
}

/** Vitest writes into our pipe; whether there are colours depends on where we write to. */
function colours() {
  const isWanted = process.stdout.isTTY && process.env.NO_COLOR === undefined;
  return isWanted ? { FORCE_COLOR: '1' } : { NO_COLOR: '1', FORCE_COLOR: undefined };
}
