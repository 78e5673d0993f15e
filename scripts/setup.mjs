// `npm run setup`: installs the libraries and builds. Needs Node.js, npm and git; quick when nothing has changed;
// works without a network once it has run. Afterwards `npx solstice`, `npx cidev` and `npx ciadm` work.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isInterrupted, onInterrupt, run, runTool } from './lib/commands.mjs';
import { isInstalled, markInstalled } from './lib/installed.mjs';
import { withLock } from './lib/lock.mjs';
import { root } from './lib/root.mjs';
import { sayStep } from './lib/step.mjs';

const minimum = [20, 19];

class SetupError extends Error {}

async function main() {
  checkMachine();
  await withLock('setup', setUp, () => console.log('another setup of this checkout is running: waiting for it'));
}

async function setUp() {
  if (!isInstalled()) {
    await step('install the libraries', install);
    markInstalled();
  }
  await step('build', build);
  for (const name of ['solstice', 'cidev', 'ciadm']) {
    if (!existsSync(join(root, 'node_modules/.bin', name))) {
      throw new SetupError(`npx ${name} would not work: node_modules/.bin/${name} is missing. Remove node_modules.`);
    }
  }
}

function checkMachine() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < minimum[0] || (major === minimum[0] && minor < minimum[1])) {
    throw new SetupError(
      `Solstice needs Node.js ${minimum.join('.')} or later; this is ${process.version} (${process.execPath}).`,
    );
  }
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    throw new SetupError(`Solstice runs on Linux, x64 or arm64; this is ${process.platform}, ${process.arch}.`);
  }
  if (spawnSync('git', ['--version']).status !== 0) {
    throw new SetupError('Solstice needs git, which is not on the PATH. On Debian: apt-get install git');
  }
}

async function install() {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const pnpm = (npx, pnpmArgs) =>
    run(
      'npx',
      // Nobody is there to say yes: neither to npx, nor to pnpm when it has to make node_modules anew.
      ['--yes', npx, packageManager, 'install', '--frozen-lockfile', pnpmArgs, '--config.confirmModulesPurge=false'],
      { env: { ...process.env, COREPACK_ENABLE_STRICT: '0' } },
    );
  // Both look into their caches first: npx would wait a minute for a network that isn't there.
  const first = await pnpm('--prefer-offline', '--prefer-offline');
  if (first.code === 0 || isInterrupted()) {
    return first;
  }
  const offline = await pnpm('--offline', '--offline');
  return offline.code === 0 ? offline : first;
}

async function build() {
  const compiled = await runTool('typescript/bin/tsc', ['-b']);
  if (compiled.code !== 0) {
    return compiled;
  }
  return run(process.execPath, ['packages/runner/build.mjs']);
}

async function step(title, work) {
  const start = performance.now();
  const { code, output } = await work();
  if (isInterrupted()) {
    throw new SetupError('interrupted');
  }
  sayStep(code === 0, title, performance.now() - start, output);
  if (code !== 0) {
    throw new SetupError(`${title}: failed (exit code ${code})`);
  }
}

onInterrupt((code) => process.exit(code));
try {
  await main();
} catch (error) {
  if (!isInterrupted()) {
    console.error(error instanceof SetupError ? `setup: ${error.message}` : error);
    process.exitCode = 1;
  }
}
