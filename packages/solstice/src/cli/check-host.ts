import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadSettings, type Settings, thisMachine } from '@solstice/common/config';
import { SolsticeError, toError } from '@solstice/common/errors';
import { describeHost, fitProblems, fullCapacity, offersOf, readHostFileBytes } from '@solstice/common/host-file';
import { type Diagnostic, formatDiagnostics, hasErrors } from '@solstice/common/kdl';
import { capacityOf } from '@solstice/orchestrator';
import { type Command, Option } from 'commander';
import { tell } from './tell.js';

/** 0: a host would start with it, with warnings at most. 1: it would not. 2: it could not be checked. */
export type CheckHostCode = 0 | 1 | 2;

export interface CheckHostOptions {
  /** As messages have it. */
  file: string;
  format: 'human' | 'json';
  /** What counts where the file says nothing. */
  settings: Settings['host'];
  color: boolean;
  out(text: string): void;
}

/** Throws `usage` when the file cannot be read. */
export function checkHost({ file, format, settings, color, out }: CheckHostOptions): CheckHostCode {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(resolve(file));
  } catch (thrown) {
    const reason = (thrown as NodeJS.ErrnoException).code ?? toError(thrown).message;
    throw new SolsticeError('usage', `${file} cannot be read (${reason})`, {
      cause: thrown,
      hint: 'Check the path, and who may read it.',
    });
  }
  const otherwise = { id: settings.id, capacity: capacityOf(settings) };
  const result = readHostFileBytes(bytes, file);
  const read = 'host' in result ? result.host : undefined;
  const capacity = fullCapacity(read ?? { capacity: {} }, otherwise.capacity);
  const diagnostics =
    'host' in result
      ? [...result.host.warnings, ...fitProblems(result.host, capacity)].toSorted((a, b) => a.line - b.line)
      : result.diagnostics;
  const host = hasErrors(diagnostics) ? undefined : read;
  if (format === 'json') {
    const registered =
      host === undefined ? null : { id: host.id ?? otherwise.id, capacity, pools: offersOf(host, capacity) };
    out(`${JSON.stringify({ file, host: registered, diagnostics: diagnostics.map(published) }, null, 2)}\n`);
  } else {
    const told = formatDiagnostics(diagnostics, { [file]: result.text }, { color });
    const described = host === undefined ? '' : describeHost(host, otherwise);
    out([described, told].filter((part) => part !== '').join('\n'));
  }
  return host === undefined ? 1 : 0;
}

/** Exactly the keys that are promised, in their order; as `cidev validate` has them. */
function published(diagnostic: Diagnostic): Required<Diagnostic> {
  const { file, line, column, endLine, endColumn, severity, code, message, hint = '' } = diagnostic;
  return { file, line, column, endLine, endColumn, severity, code, message, hint };
}

export function addCheckHost(program: Command, done: (code: CheckHostCode) => void): void {
  program
    .command('check-host')
    .description('says what a host file means, or what is wrong with it, without starting anything')
    .argument('[file]', 'host file (default: the one that the settings name with file, inside host)')
    .option('--config <file>', 'settings file, for what the host file leaves out')
    .addOption(new Option('--format <format>', 'how to print it').choices(['human', 'json']).default('human'))
    .addHelpText(
      'after',
      `
Examples:
  $ solstice check-host                          the file that this machine would start with
  $ solstice check-host ./host.kdl --format json

Exit codes: 0 a host would start with it, 1 it would not, 2 it could not be checked. docs/host.md has every word.`,
    )
    .action(async (file: string | undefined, given: { config?: string; format: 'human' | 'json' }) => {
      try {
        const settings = await loadSettings({
          ...(given.config === undefined ? {} : { file: given.config }),
          env: process.env,
          machine: thisMachine(),
        });
        const named = file ?? settings.host.file;
        if (named === undefined) {
          throw new SolsticeError('usage', 'no file is named, and the settings name none', {
            hint: 'solstice check-host ./host.kdl; without any file, a host serves what docs/host.md says.',
          });
        }
        const color = process.stdout.isTTY === true && !process.env.NO_COLOR;
        const out = (text: string) => void process.stdout.write(text);
        done(checkHost({ file: named, format: given.format, settings: settings.host, color, out }));
      } catch (error) {
        tell(error);
        done(2);
      }
    });
}
