import { Command } from 'commander';
import type { Runtime } from './command.js';
import { addCancel } from './commands/cancel.js';
import { addDead } from './commands/dead.js';
import { addDoctor } from './commands/doctor.js';
import { addDrain } from './commands/drain.js';
import { addApprove, addReject } from './commands/gates.js';
import { addHost } from './commands/host.js';
import { addHosts } from './commands/hosts.js';
import { addLogs } from './commands/logs.js';
import { addMigrate } from './commands/migrate.js';
import { addRepo } from './commands/repo.js';
import { addRerun } from './commands/rerun.js';
import { addRun } from './commands/run-show.js';
import { addRuns } from './commands/runs.js';
import { addSchedules } from './commands/schedules.js';
import { addStatus } from './commands/status.js';
import { addTrigger } from './commands/trigger.js';
import { addWatch } from './commands/watch.js';
import { addWebhooks } from './commands/webhooks.js';
import { addWhy } from './commands/why.js';
import { exitCodeMeanings } from './exit-codes.js';

/** The whole command tree. The reference page is made from it, too. */
export function createProgram(runtime: Runtime, version: string): Command {
  const program = new Command('ciadm')
    .description("The operator's command of Solstice CI: looks into a server and steers it.")
    .version(version)
    .option('--json', 'answer as JSON; errors, too')
    .option('--data-dir <directory>', 'data directory of the server on this machine (else as in the settings)')
    .option('--config <file>', 'settings file that says where the data directory is (else as solstice finds it)')
    .option('--url <url>', 'operator API (else $SOLSTICE_URL, else from <data directory>/addresses.json)')
    .option('--token-file <file>', 'its token (else $SOLSTICE_TOKEN_FILE, else <data directory>/operator.token)')
    .addHelpText('after', () => `\nExit codes:\n${exitCodeLines().join('\n')}`)
    .showHelpAfterError('(add --help for what there is)');
  addStatus(program, runtime);
  addRuns(program, runtime);
  addRun(program, runtime);
  addWatch(program, runtime);
  addLogs(program, runtime);
  addWhy(program, runtime);
  addApprove(program, runtime);
  addReject(program, runtime);
  addCancel(program, runtime);
  addRerun(program, runtime);
  addTrigger(program, runtime);
  addSchedules(program, runtime);
  addHosts(program, runtime);
  addHost(program, runtime);
  addDrain(program, runtime);
  addRepo(program, runtime);
  addWebhooks(program, runtime);
  addDead(program, runtime);
  addDoctor(program, runtime);
  addMigrate(program, runtime);
  return program;
}

function exitCodeLines(): string[] {
  return exitCodeMeanings.map(([code, meaning]) => `  ${String(code).padEnd(4)} ${meaning}`);
}
