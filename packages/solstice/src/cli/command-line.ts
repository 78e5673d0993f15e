import { readFileSync } from 'node:fs';
import { loadSettings, thisMachine } from '@solstice/common/config';
import { SolsticeError } from '@solstice/common/errors';
import { createLogger } from '@solstice/common/telemetry';
import { Command, CommanderError, Option } from 'commander';
import { Shutdown, untilToldToStop } from '../process/shutdown.js';
import { up } from '../up/up.js';
import { runPostReceive } from './hook.js';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** How long an orderly end may take before it is forced. */
const STOP_DEADLINE_MS = 30_000;

const packageFile = new URL('../../package.json', import.meta.url);
export const version = (JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }).version;

/** Runs the command and gives the exit code: 0 ended in order, 1 failed, 2 called wrongly. */
export async function solstice(argv: string[]): Promise<number> {
  let exitCode = 0;
  const program = new Command('solstice')
    .description('Solstice CI: starts its roles on this machine')
    .version(version)
    .exitOverride()
    .showHelpAfterError('(add --help for what there is)');

  program
    .command('up')
    .description('every role in one process, with an embedded PostgreSQL unless the settings name another')
    .option('--config <file>', 'settings file (default: $SOLSTICE_CONFIG, ./solstice.kdl, /etc/solstice/solstice.kdl)')
    .option('--dev', 'believe webhooks of forges that have no secret; for a machine of your own')
    .option('--ephemeral', 'at the end, take running workers away instead of leaving them to the next start')
    .addHelpText(
      'after',
      `
Examples:
  $ solstice up                               settings from ./solstice.kdl
  $ solstice up --config /etc/solstice/ci.kdl
  $ SOLSTICE_LISTEN=0.0.0.0:8420 solstice up  a variable over the file; docs/settings.md has all

Ctrl-C or SIGTERM ends it in order: running jobs go on by themselves and are taken up by the next start.
A second one ends it at once.`,
    )
    .action(async (options: { config?: string; dev?: boolean; ephemeral?: boolean }) => {
      exitCode = await runUp(options);
    });

  program
    .command('serve')
    .description('a part of a fleet (not available yet)')
    .addOption(new Option('--roles <roles>', 'forge, orchestrator').hideHelp())
    .action(() => {
      throw new SolsticeError('not-available-yet', 'solstice serve, for a fleet of hosts, is not available yet', {
        hint: 'solstice up runs every role on one machine.',
      });
    });

  const hook = program.command('hook').description('what a git hook calls to tell Solstice of a push');
  hook
    .command('post-receive')
    .description('reads the lines that git gives a post-receive hook, and delivers them')
    .requiredOption('--url <url>', 'webhook address of the forge, such as http://127.0.0.1:8420/webhooks/local')
    .requiredOption('--repository <name>', 'the name that the repository has in Solstice')
    .option('--secret-file <file>', 'the webhook secret')
    .action(async (options: { url: string; repository: string; secretFile?: string }) => {
      exitCode = await runPostReceive(options, process.stdin);
    });

  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
    return tell(error);
  }
  return exitCode;
}

async function runUp(options: { config?: string; dev?: boolean; ephemeral?: boolean }): Promise<number> {
  const dev = options.dev === true;
  const settings = await loadSettings({
    ...(options.config === undefined ? {} : { file: options.config }),
    env: process.env,
    machine: thisMachine(),
  });
  const logger = createLogger({ level: settings.logLevel });
  const shutdown = new Shutdown(logger);
  const told = untilToldToStop(STOP_DEADLINE_MS, logger);
  let exitCode = 0;
  try {
    const starting = up({
      settings,
      version,
      dev,
      ephemeral: options.ephemeral === true,
      logger,
      shutdown,
      onCrash: told.crashed,
    });
    // A signal during the start waits for it: half-started parts know how to stop only once they have started.
    const started = await starting;
    console.log(`Solstice is up: ${started.publicUrl}  (${started.reason})`);
    const why = await told.stop;
    if ('crash' in why) exitCode = tell(why.crash);
    else logger.info({ signal: why.signal }, 'stopping');
  } catch (error) {
    exitCode = tell(error);
  }
  await shutdown.run();
  return exitCode;
}

/** What happened, which kind, and the way out; a stack only for what should be impossible. */
function tell(error: unknown): number {
  if (error instanceof SolsticeError) {
    console.error(`solstice: ${error.message} [${error.code}]\n  ${error.hint}`);
  } else {
    console.error('solstice: an unexpected error, please report it:', error);
  }
  return EXIT_FAILED;
}
