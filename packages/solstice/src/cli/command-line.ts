import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { moveData, readTarget } from '../move/move-data.js';
import { runProcess, runToEnd } from '../process/run-process.js';
import { parseRoles } from '../roles/names.js';
import { serve } from '../serve/serve.js';
import { up } from '../up/up.js';
import { addCheckHost } from './check-host.js';
import { runPostReceive } from './hook.js';
import { tell } from './tell.js';

const EXIT_USAGE = 2;

const packageFile = new URL('../../package.json', import.meta.url);
export const version = (JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }).version;

const configOption = [
  '--config <file>',
  'settings file (default: $SOLSTICE_CONFIG, ./solstice.kdl, /etc/solstice/solstice.kdl)',
] as const;

/** Runs the command and gives the exit code: 0 ended in order, 1 failed, 2 called wrongly. */
export async function solstice(argv: string[]): Promise<number> {
  let exitCode = 0;
  const program = new Command('solstice')
    .description('Solstice CI: starts its roles on this machine')
    .version(version)
    .exitOverride()
    .showHelpAfterError('(add --help for what there is)');
  addUp(program);
  addServe(program);
  addMoveData(program);
  addCheckHost(program, (code) => {
    exitCode = code;
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

function addUp(program: Command): void {
  program
    .command('up')
    .description('every role in one process, with an embedded PostgreSQL unless the settings name another')
    .option(...configOption)
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
    .action(async ({ config, dev, ephemeral }: { config?: string; dev?: boolean; ephemeral?: boolean }) => {
      const options = { version, dev: dev === true, ephemeral: ephemeral === true };
      await runProcess(config, (running) => up(running, options));
    });
}

function addServe(program: Command): void {
  program
    .command('serve')
    .description('a node of a fleet: some roles, on a PostgreSQL and a RabbitMQ that all nodes share')
    .requiredOption(
      '--roles <roles>',
      'with commas: webhooks, planner, relay, reporter (these four: forge), orchestrator, api',
    )
    .option(...configOption)
    .option('--dev', 'believe webhooks of forges that have no secret; for machines of your own')
    .option('--new-secret-key', 'start although the database holds webhook secrets that secret_key_file does not open')
    .addHelpText(
      'after',
      `
Roles:
  webhooks      takes the deliveries of forges and stores them        any number
  planner       makes runs of them                                    any number
  relay         wakes the others by way of the queue                  any number
  reporter      tells the forges how it went                          any number
  orchestrator  runs jobs on this machine                             one a host
  api           run pages, logs, and what ciadm talks to              any number

Examples:
  $ solstice serve --roles forge,api --config /etc/solstice/forge.kdl
  $ solstice serve --roles orchestrator --config /etc/solstice/host.kdl
  $ SOLSTICE_HOST_AT_STOP=drain solstice serve --roles orchestrator

It needs database_url and queue_url; with webhooks or api also secret_key_file, the same on every node. Neither has to
be there already: it waits for them. http://127.0.0.1:8422/readyz (health_listen) says how it is. docs/fleet.md goes
through it step by step.

SIGTERM ends it in order: an orchestrator lets go of its running jobs, which go on and are taken up by the next start, or
waits for them (at_stop "drain"). A second one ends it at once.`,
    )
    .action(async (given: { roles: string; config?: string; dev?: boolean; newSecretKey?: boolean }) => {
      const roles = parseRoles(given.roles);
      const options = { roles, version, dev: given.dev === true, newSecretKey: given.newSecretKey === true };
      await runProcess(given.config, (running) => serve(running, options));
    });
}

function addMoveData(program: Command): void {
  program
    .command('move-data')
    .description('copies what solstice up has kept into the PostgreSQL of a fleet')
    .requiredOption('--to-file <file>', 'a file with the address: postgres://user:password@host:5432/solstice')
    .option(...configOption)
    .addHelpText(
      'after',
      `
Example:
  $ solstice move-data --config /etc/solstice/solstice.kdl --to-file /etc/solstice/database-url

Solstice must be stopped, and the database empty. All is copied in one transaction and compared; broken off or killed,
nothing is kept there and it can be done again. The data here is only read. docs/fleet.md says what comes next.`,
    )
    .action(async ({ config, toFile }: { config?: string; toFile: string }) => {
      const to = readTarget(toFile);
      await runToEnd(config, (running) => moveData(running, { to, print: (line) => console.log(line) }));
    });
}
