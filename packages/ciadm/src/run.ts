import { readFileSync } from 'node:fs';
import { RefusedError } from '@solstice/api';
import { SolsticeError, toError } from '@solstice/common/errors';
import { type Command, CommanderError } from 'commander';
import { Runtime } from './command.js';
import { exitCodeOf, exitCodes } from './exit-codes.js';
import type { Io } from './io.js';
import { Output } from './output.js';
import { createProgram } from './program.js';
import { oneLine } from './render/text.js';

const packageFile = new URL('../package.json', import.meta.url);
export const version = (JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }).version;

/** Runs `ciadm` with these words after its name; answers the exit code (see exit-codes.ts). Never rejects. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const output = new Output(io);
  const runtime = new Runtime(io, output);
  try {
    const program = createProgram(runtime, version);
    prepare(program, io, output);
    await program.parseAsync([...argv], { from: 'user' });
    if (io.interrupted.aborted) return exitCodes.interrupted;
    if (output.failure) throw output.failure;
    return runtime.exitCode;
  } catch (error) {
    if (io.interrupted.aborted) return exitCodes.interrupted;
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    if (!output.failure && output.closed.aborted) return exitCodes.ok;
    tell(error, argv.includes('--json'), output);
    return exitCodeOf(error);
  } finally {
    output.dispose();
  }
}

/** Lets every command end here instead of ending the process, and print where it is told to. */
function prepare(command: Command, io: Io, output: Output): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => io.stdout.write(text),
    writeErr: (text) => io.stderr.write(text),
    getOutHelpWidth: () => output.columns ?? 100,
    getErrHelpWidth: () => output.columns ?? 100,
    getOutHasColors: () => output.colour,
    getErrHasColors: () => output.colour,
  });
  for (const child of command.commands) prepare(child, io, output);
}

function tell(error: unknown, json: boolean, output: Output): void {
  const { message } = toError(error);
  const known = error instanceof SolsticeError ? error : undefined;
  if (json) {
    const state = error instanceof RefusedError ? { state: error.state } : {};
    const { code = 'internal', hint = '' } = known ?? {};
    output.note(JSON.stringify({ error: { code, message, hint, ...state } }));
    return;
  }
  const lines = message.split('\n').map(oneLine);
  output.note(`ciadm: ${lines.join('\n  ')}${known ? ` [${known.code}]` : ''}`);
  if (known && known.hint !== '') output.note(`  ${oneLine(known.hint)}`);
}
