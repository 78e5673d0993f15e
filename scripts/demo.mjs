// `npm run demo`: the whole way of one push, on this machine. Starts `solstice up` in a folder of its own, pushes
// examples/hello to a fresh bare repository with git, shows the run as it happens, and leaves nothing behind.
//
//   npm run demo -- --keep              leaves it running, and says where and how to stop it
//   npm run demo -- --backend process   (or container) insists on a backend
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name) => join(root, 'packages', name, 'bin', `${name}.js`);
const { values: options } = parseArgs({
  options: { keep: { type: 'boolean', default: false }, backend: { type: 'string', default: 'auto' } },
});
if (!['auto', 'process', 'container'].includes(options.backend)) {
  console.error(`--backend ${options.backend}: it is auto, process or container`);
  process.exit(2);
}

const say = (line = '') => console.log(line);
const bold = (text) => (process.stdout.isTTY ? `\u001b[1m${text}\u001b[0m` : text);
const heading = (text) => say(`\n${bold(text)}`);

/** What has to be taken away again, newest first. */
const undo = [];
let cleaning = false;
async function cleanUp() {
  if (cleaning) return;
  cleaning = true;
  for (const step of undo.reverse()) {
    try {
      await step();
    } catch (error) {
      console.error(`demo: ${error.message}`);
    }
  }
}
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (interrupted) return;
    interrupted = true;
    say('\nstopping, and taking everything away …');
    void cleanUp().then(() => process.exit(signal === 'SIGINT' ? 130 : 143));
  });
}

/** git without the user's own settings: hooks, signing and templates would be surprises here. */
const gitEnvironment = {
  ...process.env,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.org',
};
const git = (cwd, ...args) => execFileSync('git', args, { cwd, env: gitEnvironment, encoding: 'utf8' }).trim();

/** Runs a command in the foreground of the demo; rejects when it fails to start. */
function run(command, args, settings = {}) {
  return new Promise((resolve, reject) => {
    // In a process group of its own, so that Ctrl-C reaches this script alone, which then stops all in order.
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], detached: true, ...settings });
    const stop = () => child.exitCode === null && child.kill('SIGTERM');
    undo.push(stop);
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

async function main() {
  const setUp = await run(process.execPath, [join(root, 'scripts/setup.mjs')]);
  if (setUp !== 0 || interrupted) return setUp;

  const base = mkdtempSync(join(tmpdir(), 'solstice-demo-'));
  undo.push(() => rmSync(base, { recursive: true, force: true }));
  chmodSync(base, 0o711);
  const data = join(base, 'data');

  heading('Start Solstice: every role in one process');
  const image = await prepareImage();
  const settingsFile = join(base, 'solstice.kdl');
  const secretFile = join(base, 'webhook-secret');
  writeFileSync(secretFile, `${randomBytes(24).toString('hex')}\n`, { mode: 0o600 });
  writeFileSync(
    settingsFile,
    `data_dir ${JSON.stringify(data)}
listen "127.0.0.1:0"
operator_listen "127.0.0.1:0"
host id="demo" backend="${options.backend}" slots=4${image ? ` image="${image}"` : ''}
forge "local" kind="git" {
    webhook_secret_file ${JSON.stringify(secretFile)}
}
`,
  );
  const logFile = join(base, 'solstice.log');
  const { openSync } = await import('node:fs');
  const server = spawn(process.execPath, [bin('solstice'), 'up', '--config', settingsFile, '--ephemeral'], {
    stdio: ['ignore', openSync(logFile, 'a'), openSync(logFile, 'a')],
    detached: true,
  });
  const gone = new Promise((resolve) => server.on('close', resolve));
  undo.push(async () => {
    if (server.exitCode === null && server.signalCode === null) server.kill('SIGTERM');
    await gone;
  });
  const addresses = await untilUp(server, join(data, 'addresses.json'), logFile);
  const ciadm = (...args) => [bin('ciadm'), '--data-dir', data, ...args];
  const status = JSON.parse(execFileSync(process.execPath, ciadm('hosts', '--json'), { encoding: 'utf8' }));
  for (const note of status.hosts?.[0]?.notes ?? []) say(`  ${note}`);
  say(`  listening on ${addresses.public}`);

  heading('Make a bare repository with a post-receive hook, and push to it');
  const bare = join(base, 'hello.git');
  const work = join(base, 'hello');
  git(base, 'init', '--quiet', '--bare', '--initial-branch=main', bare);
  const added = spawnSync(
    process.execPath,
    ciadm('repo', 'add', 'hello', '--forge', 'local', '--path', bare, '--generate-secret', '--install-hook'),
    {
      encoding: 'utf8',
    },
  );
  if (added.status !== 0) throw new Error(`ciadm repo add failed:\n${added.stdout}${added.stderr}`);
  mkdirSync(work);
  cpSync(join(root, 'examples/hello'), work, { recursive: true });
  git(work, 'init', '--quiet', '--initial-branch=main');
  git(work, 'add', '--all');
  git(work, 'commit', '--quiet', '-m', 'Say hello');
  say(`  $ git push ${bare} main`);
  const pushed = await run('git', ['push', bare, 'main'], { cwd: work, env: gitEnvironment });
  if (pushed !== 0) throw new Error('git push failed');

  heading('The run, as it happens');
  const verdict = await run(process.execPath, ciadm('watch', 'latest'));
  if (interrupted) return verdict;

  heading('The check on the commit');
  say(await untilNoted(bare, git(work, 'rev-parse', 'HEAD')));
  say();
  say(verdict === 0 ? 'The check is green: exit code 0.' : `The check is not green: exit code ${verdict}.`);

  heading('Try next');
  if (options.keep) {
    undo.length = 0;
    server.unref();
    say(`  It is still running: ${addresses.public}  (data in ${data})`);
    say(`  edit and push        cd ${work} && git commit --allow-empty -m again && git push ${bare} main`);
    say(`  look                 npx ciadm --data-dir ${data} runs`);
    say(`  stop                 kill ${server.pid} && rm -rf ${base}`);
  } else {
    say('  npm run demo -- --keep             leaves it running, for pushes of your own');
    say('  npx cidev validate examples/hello/.solstice/workflow.kdl');
    say('  npx solstice up --help             on your own data directory');
  }
  return verdict;
}

/** In containers, jobs need an image; this one is put together from this machine's own shell and a few tools. */
async function prepareImage() {
  if (options.backend === 'process') return undefined;
  const { buildHostToolsImage, connectDocker } = await import(join(root, 'packages/workers/dist/backends/index.js'));
  const docker = connectDocker(process.env.DOCKER_HOST);
  try {
    await docker.ping();
  } catch {
    return undefined;
  }
  const tag = `solstice-demo-${process.pid}:local`;
  undo.push(() => docker.getImage(tag).remove({ force: true }));
  await buildHostToolsImage(docker, { tag });
  say(`  made the image ${tag} from this machine's own /bin/sh and a few tools; nothing is pulled`);
  return tag;
}

async function untilUp(server, file, logFile) {
  const deadline = Date.now() + 60_000;
  while (!existsSync(file)) {
    if (server.exitCode !== null || Date.now() > deadline || interrupted) {
      throw new Error(`solstice up did not start:\n${readFileSync(logFile, 'utf8').slice(-3000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** The reporter works beside the run, so its last word may come a moment after the run's end. */
async function untilNoted(bare, commit) {
  const deadline = Date.now() + 15_000;
  let note = '';
  while (Date.now() < deadline) {
    try {
      note = git(bare, 'notes', '--ref=solstice', 'show', commit);
      if (!/pending|running/.test(note)) break;
    } catch {
      // No note yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return note
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}

let exitCode = 1;
try {
  exitCode = await main();
} catch (error) {
  if (!interrupted) console.error(`demo: ${error.message}`);
}
if (!interrupted) {
  await cleanUp();
  process.exit(exitCode);
}
