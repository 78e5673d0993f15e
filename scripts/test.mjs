// `npm test`: everything, on real parts. Sets up, then the static checks and the suites in order.
//
//   npm test                    all of it
//   npm test -- unit            chosen parts: check, unit, integration, conformance, e2e
//   npm test -- packages/api    chosen paths, in every suite that has tests there
//   npm run conformance         the part of that name, which then writes docs/conformance.md and .json
//
// Ends with the plain line `N passed, N failed` (`, N skipped`), each static check counted as a test. With CI=true
// nothing may be skipped.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isInterrupted, onInterrupt, run } from './lib/commands.mjs';
import { staleConformancePages, verdictsOf, writePages } from './lib/conformance.mjs';
import { dockerObjects, takeDockerLeftovers } from './lib/docker-leftovers.mjs';
import { makeTemporaryRoot, reportFolder, takeLeftovers, takeLeftoversOfDeadRuns } from './lib/leftovers.mjs';
import { takeNetworkLeftovers } from './lib/network-leftovers.mjs';
import { root } from './lib/root.mjs';
import { runStaticChecks } from './lib/static-checks.mjs';
import { formatDuration } from './lib/step.mjs';
import { runSuite } from './lib/vitest-suite.mjs';

const suites = ['unit', 'integration', 'conformance', 'e2e'];

const writesPages = process.argv.includes('--write');
const args = process.argv.slice(2).filter((name) => name !== '--write');
const filters = args.filter((name) => name !== 'check' && !suites.includes(name));
const parts = args.filter((name) => name === 'check' || suites.includes(name));
const isChosen = (part) => (parts.length > 0 ? parts.includes(part) : part !== 'check' || filters.length === 0);

const total = { passed: 0, failed: 0, skipped: 0, slowest: [], notes: [] };
const heading = (text) => console.log(`\n── ${text}`);

async function main() {
  const startedAt = performance.now();
  const setUp = await run(process.execPath, [join(root, 'scripts/setup.mjs')], { show: true });
  if (setUp.code !== 0) {
    fail(`setup: failed with exit code ${setUp.code}`);
    return;
  }
  if (isChosen('check')) {
    heading('checks');
    const { passed, failed } = await runStaticChecks();
    total.passed += passed;
    total.failed += failed;
    if (failed > 0) {
      total.notes.push(`${failed} of the checks above`);
    }
  }
  await runSuites();
  sayTheEnd(performance.now() - startedAt);
}

async function runSuites() {
  await takeLeftoversOfDeadRuns();
  const temporaryRoot = makeTemporaryRoot();
  let docker;
  try {
    docker = await startDocker();
    await provideFleetPrograms();
    const idsBefore = new Set(docker.socketPath ? (await dockerObjects(docker.socketPath)).map(({ id }) => id) : []);
    const env = {
      ...process.env,
      TMPDIR: temporaryRoot,
      ...(docker.dockerHost ? { DOCKER_HOST: docker.dockerHost } : { SOLSTICE_TEST_DOCKER: 'missing' }),
    };
    for (const suite of suites) {
      if (!isChosen(suite) || isInterrupted()) {
        continue;
      }
      heading(`${suite} tests`);
      const outcome = await runSuite(suite, { filters, env, reportFolder: reportFolder(temporaryRoot) });
      for (const key of ['passed', 'failed', 'skipped']) {
        total[key] += outcome[key];
      }
      total.slowest.push(...outcome.slowest);
      total.notes.push(...outcome.notes);
      if (suite === 'conformance' && filters.length === 0 && !isInterrupted()) {
        judgeConformance(outcome.report);
      }
    }
    if (docker.socketPath) {
      blame(await takeDockerLeftovers(docker.socketPath, idsBefore, temporaryRoot));
    }
  } catch (error) {
    fail(String(error?.stack ?? error));
  } finally {
    // Processes first: what runs in a namespace would keep it.
    blame(await takeLeftovers(temporaryRoot));
    blame(takeNetworkLeftovers(temporaryRoot));
    await docker?.stop?.().catch((error) => fail(`stopping Docker: ${error}`));
  }
}

const needsRealParts = () => suites.some((suite) => suite !== 'unit' && isChosen(suite));

/** An engine for the suites that need one, or why there is none. */
async function startDocker() {
  if (!needsRealParts()) {
    return {};
  }
  const { dockerForTests } = await import(pathToFileURL(join(root, 'packages/testing/dist/index.js')).href);
  const docker = await dockerForTests();
  console.log(
    docker.missing ? `\nDocker: ${docker.missing}; what needs it is skipped` : `\nDocker: ${docker.dockerHost}`,
  );
  return docker;
}

/** RabbitMQ, and what networks of namespaces need: once for all suites, because two of them can't install at the same time. */
async function provideFleetPrograms() {
  if (!needsRealParts()) {
    return;
  }
  const testing = await import(pathToFileURL(join(root, 'packages/testing/dist/index.js')).href);
  const { missing } = await testing.rabbitForTests();
  console.log(missing ? `RabbitMQ: ${missing}; what needs it is skipped` : 'RabbitMQ: there');
  const network = await testing.missingForNetworkLab();
  console.log(network ? `Networks: ${network}; what needs them is skipped` : 'Networks: there');
}

/** The list of features with their verdicts; each that has no test is a failure, and so is a page that says otherwise. */
function judgeConformance(report) {
  const { verdicts, unknown } = verdictsOf(report);
  heading('conformance');
  for (const { name, verdict } of verdicts) {
    console.log(`${verdict === 'shown' ? '✓' : '✗'} ${name}${verdict === 'shown' ? '' : `: ${verdict}`}`);
    if (verdict === 'no test') {
      fail(`conformance: no test is called "${name}"`);
    }
  }
  for (const title of unknown) {
    fail(`conformance: e2e/conformance/features.json does not have "${title}"`);
  }
  if (writesPages) {
    writePages(verdicts);
  } else {
    for (const page of staleConformancePages(verdicts)) {
      fail(`${page} says something else: npm run conformance writes it`);
    }
  }
}

/** Interrupted suites could not clean up after themselves; then it is only done for them. */
function blame(leftovers) {
  if (!isInterrupted()) {
    for (const line of leftovers) {
      fail(`left behind: ${line}`);
    }
  }
}

function fail(note) {
  total.failed += 1;
  total.notes.push(note);
}

function sayTheEnd(ms) {
  const slowest = total.slowest.sort((left, right) => right.ms - left.ms).slice(0, 5);
  if (slowest.length > 0) {
    heading('slowest');
    for (const { title, ms: took } of slowest) {
      console.log(`${formatDuration(took).padStart(12)}  ${title}`);
    }
  }
  if (process.env.CI === 'true' && total.skipped > 0) {
    fail(`${total.skipped} tests were skipped, and with CI=true none may be`);
  }
  heading(`took ${formatDuration(ms)}`);
}

let interruptCode;
onInterrupt((code) => {
  interruptCode = code;
});
await main();
if (isInterrupted()) {
  console.log('\ninterrupted; everything that the tests had made is taken away');
  process.exit(interruptCode ?? 130);
}
for (const note of total.notes) {
  console.log(`✗ ${note}`);
}
if (total.passed === 0 && total.failed === 0) {
  fail('no test ran');
}
const { passed, failed, skipped } = total;
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(failed > 0 ? 1 : 0);
