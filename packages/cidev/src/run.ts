import { Argument, Command, CommanderError, Option } from 'commander';
import picocolors from 'picocolors';
import { type FmtOptions, fmt } from './fmt.js';
import { inspect } from './inspect.js';
import { type ExitCode, type Io, UsageError } from './io.js';
import { type ValidateFormat, validate, validateFormats } from './validate.js';
import { version } from './version.js';

/** Runs one command line (without `node` and the script). Never throws, writes only through `io`. */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  let exitCode: ExitCode = 0;
  const program = commandLine(io, (code) => {
    exitCode = code;
  });
  try {
    if (argv.length === 0) {
      program.outputHelp({ error: true });
      return 2;
    }
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
    const paint = picocolors.createColors(io.color.err);
    if (thrown instanceof UsageError) {
      io.err(`${paint.red('error')}: ${thrown.message}\n  ${paint.bold('hint')}: ${thrown.hint}\n`);
    } else {
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      io.err(`${paint.red('error')}: ${reason}\n  ${paint.bold('hint')}: This should not happen; please report it.\n`);
    }
    return 2;
  }
}

function commandLine(io: Io, done: (code: ExitCode) => void): Command {
  const program = new Command('cidev')
    .description('Solstice CI for developers: check, understand and format workflow files. Needs no server.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .addHelpText(
      'after',
      `
Examples:
  cidev validate                      check the .solstice/*.kdl of this repository
  cidev inspect .solstice/ci.kdl      show what a file means
  cidev fmt                           rewrite them as the documentation has them

Exit codes: 0 fine (warnings at most), 1 errors in a file or not formatted, 2 called wrongly.`,
    );
  program
    .command('validate')
    .summary('check workflow files')
    .description('Check workflow files: every mistake with its place, and what would be right.')
    .addArgument(new Argument('[paths...]', 'files or directories (default: .solstice/*.kdl of this repository)'))
    .addOption(new Option('--format <format>', 'how to tell').choices(validateFormats).default('human'))
    .addHelpText(
      'after',
      `
With --format json: a list of {file, line, column, endLine, endColumn, severity, code, message, hint}; lines and
columns count from 1, the end is exclusive. With sarif: a SARIF 2.1.0 log, for code scanning. With github: annotations of
GitHub and Forgejo Actions. Both have paths from the root of the repository. docs/workflow.md explains every code.

Examples:
  cidev validate
  cidev validate .solstice/release.kdl --format json
  cidev validate --format sarif > cidev.sarif
  cidev validate ../other-repository

Exit codes: 0 fine (warnings at most), 1 errors in a file, 2 called wrongly.`,
    )
    .action((paths: string[], options: { format: ValidateFormat }) => done(validate(paths, options.format, io)));
  program
    .command('inspect')
    .summary('show what a workflow file means')
    .description('Show what a workflow file means: what starts it, its jobs in order, their pools, steps and timeouts.')
    .addArgument(new Argument('[path]', 'a file or directory (default: .solstice/*.kdl of this repository)'))
    .option('--json', 'print the parsed workflow')
    .addHelpText(
      'after',
      `
Examples:
  cidev inspect
  cidev inspect .solstice/ci.kdl --json | jq '.jobs[].id'

Exit codes: 0 fine (warnings at most), 1 errors in a file, 2 called wrongly.`,
    )
    .action((path: string | undefined, options: { json?: true }) =>
      done(inspect(path, { json: options.json === true }, io)),
    );
  program
    .command('fmt')
    .summary('format workflow files')
    .description(
      'Rewrite workflow files in the form of the documentation, and name those that were not in it. Comments and meaning stay.',
    )
    .addArgument(
      new Argument(
        '[paths...]',
        'files or directories, or - for the input (default: .solstice/*.kdl of this repository)',
      ),
    )
    .option('--check', 'write nothing, and name the files that would be written', false)
    .option('--upgrade', 'rewrite files of KDL 1.0 as KDL 2.0', false)
    .addHelpText(
      'after',
      `
A file with errors in its syntax is left as it is, and the errors are told. With - what is formatted is printed.

Examples:
  cidev fmt
  cidev fmt --check .solstice/ci.kdl
  cidev fmt --upgrade
  cidev fmt - < draft.kdl

Exit codes: 0 fine, 1 a file was left as it is, or with --check one would be written, 2 called wrongly.`,
    )
    .action((paths: string[], options: FmtOptions) => done(fmt(paths, options, io)));
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: (text) => io.err(text),
      getOutHasColors: () => io.color.out,
      getErrHasColors: () => io.color.err,
    });
    command.showHelpAfterError('(--help shows how it is called)');
  }
  return program;
}
