import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

/** The first word of the runner's command line when it is the program that steps call. */
export const commandFlag = '--command';

/**
 * Makes `solstice` for the steps: a script that starts what this process is, so that the image needs neither Node.js nor
 * anything else but a shell. Gives the directory for their PATH, in which nothing else lies.
 */
export function installCommand(directory: string): string {
  const programs = join(directory, 'bin');
  const command = join(programs, 'solstice');
  mkdirSync(programs, { recursive: true });
  // What the job has for programs of its own must not reach this one: a preloaded library is made for the image's loader.
  const script = `#!/bin/sh
unset NODE_OPTIONS NODE_PATH NODE_V8_COVERAGE LD_PRELOAD LD_LIBRARY_PATH
exec ${[...ownCommand(), commandFlag, directory].map(quoted).join(' ')} "$@"
`;
  writeFileSync(command, script);
  // Whatever mask this process has: steps may become other users.
  for (const path of [directory, programs, command]) chmodSync(path, 0o755);
  return programs;
}

/**
 * How this process was started, up to the bundle. In a container that is the loader which came along with Node.js, and
 * `process.execPath` names that loader alone.
 */
function ownCommand(): string[] {
  const [, bundle = ''] = process.argv;
  try {
    const words = readFileSync('/proc/self/cmdline', 'utf8').split('\0').slice(0, -1);
    const upToBundle = words.slice(0, words.indexOf(bundle) + 1);
    if (upToBundle.length > 1 && isAbsolute(upToBundle[0] ?? '')) return upToBundle;
  } catch {
    // No /proc: then Node.js was started as itself.
  }
  return [process.execPath, bundle];
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
