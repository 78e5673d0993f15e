// Runs commands in process groups of their own, so that stopping one stops all that it started.
import { spawn } from 'node:child_process';
import { root } from './root.mjs';

const running = new Set();

/**
 * Runs a command to its end, with no standard input. Never rejects: what could not be started has code 127.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, show?: boolean }} [settings]
 *   show: pass the output on as it comes, besides collecting it
 * @returns {Promise<{ code: number, output: string }>} code: 128 + the signal's number after a signal
 */
export function run(command, args, { cwd = root, env = process.env, show = false } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    running.add(child);
    let output = '';
    const take = (stream, target) => {
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        output += text;
        if (show) {
          target.write(text);
        }
      });
    };
    take(child.stdout, process.stdout);
    take(child.stderr, process.stderr);
    child.on('error', (error) => {
      running.delete(child);
      resolve({ code: 127, output: `${command}: ${error.message}` });
    });
    child.on('close', (code, signal) => {
      running.delete(child);
      resolve({ code: code ?? (signal === 'SIGKILL' ? 137 : 143), output });
    });
  });
}

/** Runs one of the workspace's own tools by its file in node_modules; `npx` would cost 0.4 s each time. */
export function runTool(file, args, settings) {
  return run(process.execPath, [`${root}/node_modules/${file}`, ...args], settings);
}

let isStopping = false;

/** True from the first SIGINT or SIGTERM on. */
export const isInterrupted = () => isStopping;

/** Passes SIGINT and SIGTERM on to all running commands, then calls `finish` once; a second one kills them. */
export function onInterrupt(finish) {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ]) {
    process.on(signal, () => {
      const isSecond = isStopping;
      isStopping = true;
      signalAll(isSecond ? 'SIGKILL' : 'SIGTERM');
      if (!isSecond) {
        // What does not listen to SIGTERM must not keep us.
        setTimeout(() => signalAll('SIGKILL'), 30_000).unref();
        void allEnded().then(() => finish(code));
      }
    });
  }
}

function signalAll(signal) {
  for (const { pid } of running) {
    try {
      process.kill(-pid, signal);
    } catch {
      // It has just ended.
    }
  }
}

async function allEnded() {
  await Promise.all([...running].map((child) => new Promise((resolve) => child.once('close', resolve))));
}
