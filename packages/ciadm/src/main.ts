import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@solstice/common/clock';
import { thisMachine } from '@solstice/common/config';
import { run } from './run.js';

const interrupt = new AbortController();
process.on('SIGINT', () => {
  // The second one is for whoever does not want to wait for an answer that hangs.
  if (interrupt.signal.aborted) process.exit(130);
  interrupt.abort();
});

/** Beside us in the workspace; else by its name. A hook has no PATH to rely on. */
function solsticeCommand(): string[] {
  const beside = fileURLToPath(new URL('../../solstice/bin/solstice.js', import.meta.url));
  return existsSync(beside) ? [process.execPath, beside] : ['solstice'];
}

const { env, stdout, stderr } = process;
// A reader that left is dealt with in run(); what is written at the very end must not crash us either.
stdout.on('error', () => undefined);
stderr.on('error', () => undefined);
const exitCode = await run(process.argv.slice(2), {
  stdout,
  stderr,
  colour:
    (env.FORCE_COLOR ?? '') !== '' || (stdout.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb'),
  columns: stdout.isTTY ? stdout.columns : undefined,
  env,
  machine: thisMachine(),
  clock: systemClock,
  interrupted: interrupt.signal,
  solsticeCommand: solsticeCommand(),
});
// Once everything is written; a connection that is kept open for another request must not hold the process.
stdout.write('', () => process.exit(exitCode));
