// What a test run must not leave on the machine. Everything that the suites make lies in a temporary directory of the
// run's own (TMPDIR), so a run sees its own leftovers, and none of what others do on the machine at the same time.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { takeNetworkLeftovers } from './network-leftovers.mjs';

const parent = '/tmp';
/** In a run's temporary directory: its pid and reports. */
const ownName = 'run';
/** Node.js and its tools keep this one there, on purpose. */
const compileCache = 'node-compile-cache';

/** A short name, because unix sockets lie below it and their paths have 107 bytes. Open to all, like /tmp. */
export function makeTemporaryRoot() {
  const path = mkdtempSync(join(parent, 's'));
  chmodSync(path, 0o1777);
  mkdirSync(join(path, ownName));
  writeFileSync(join(path, ownName, 'pid'), String(process.pid));
  return path;
}

/** Takes away what runs that were killed have left. */
export async function takeLeftoversOfDeadRuns() {
  for (const name of readdirSync(parent).filter((entry) => /^s\w{6}$/.test(entry))) {
    const pid = Number(read(() => readFileSync(join(parent, name, ownName, 'pid'), 'utf8')));
    if (pid > 0 && !existsSync(`/proc/${pid}`)) {
      await takeLeftovers(join(parent, name));
      takeNetworkLeftovers(join(parent, name));
    }
  }
}

/** Where the suites' reports go. @param {string} temporaryRoot */
export function reportFolder(temporaryRoot) {
  return join(temporaryRoot, ownName);
}

/**
 * What is still there of a run: processes, then files. Processes get a moment to end. What is found is taken away.
 *
 * @param {string} temporaryRoot
 * @param {number} [graceMs]
 * @returns {Promise<string[]>} one line for each
 */
export async function takeLeftovers(temporaryRoot, graceMs = 5_000) {
  const deadline = performance.now() + graceMs;
  let processes = processesOf(temporaryRoot);
  while (processes.length > 0 && performance.now() < deadline) {
    await delay(100);
    processes = processesOf(temporaryRoot);
  }
  for (const { pid } of processes) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has just ended.
    }
  }
  const files = readdirSync(temporaryRoot).filter((name) => name !== ownName && name !== compileCache);
  rmSync(temporaryRoot, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  return [
    ...processes.map(({ pid, command }) => `process ${pid}: ${command}`),
    ...files.map((name) => `file or directory: ${name}`),
  ];
}

/** Processes that were started with the directory in their arguments or environment, or that work in it. */
function processesOf(directory) {
  const found = [];
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const pid = Number(name);
    const command = read(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
    const environment = read(() => readFileSync(`/proc/${pid}/environ`, 'utf8'));
    const workingDirectory = read(() => readlinkSync(`/proc/${pid}/cwd`));
    const isOurs = [command, environment, workingDirectory].some((text) => text.includes(directory));
    // A process that has ended and waits to be collected by its parent has no command line any more.
    if (isOurs && pid !== process.pid && command !== '') {
      found.push({ pid, command: command.replaceAll('\0', ' ').trim().slice(0, 200) });
    }
  }
  return found;
}

function read(get) {
  try {
    return get();
  } catch {
    // It ended while we looked, or belongs to somebody else.
    return '';
  }
}
