import type { Command } from 'commander';
import { type Runtime, withExamples } from '../command.js';
import { exitCodes } from '../exit-codes.js';

export function addMigrate(program: Command, runtime: Runtime): void {
  withExamples(
    program
      .command('migrate')
      .description('bring the external database (database_url) up to date; the embedded one is migrated at each start')
      .option('--status', 'only say how it stands; exit code 1 if something has to be done'),
    ['$ ciadm migrate --status', '$ SOLSTICE_DATABASE_URL=postgres://… ciadm migrate'],
  ).action(
    runtime.action<{ status?: boolean }>(async (context, _args, options) => {
      const { output } = context;
      const { databaseUrl } = await context.settings();
      if (databaseUrl === undefined) {
        const message = 'The embedded database is migrated at each start of solstice up: there is nothing to do.';
        if (context.json) await output.json({ embedded: true, message });
        else await output.line(message);
        return undefined;
      }
      // Only here: the driver would slow every other command down.
      const { migrate, migrationStatus } = await import('@solstice/common/store');
      if (!options.status) {
        const applied = await migrate(databaseUrl.reveal());
        if (context.json) await output.json({ applied });
        else if (applied.length === 0) await output.line('Up to date.');
        else for (const name of applied) await output.line(`applied  ${name}`);
        return undefined;
      }
      const status = await migrationStatus(databaseUrl.reveal());
      if (context.json) {
        await output.json(status);
      } else {
        for (const { name, appliedAt } of status.applied)
          await output.line(`applied  ${name}  ${appliedAt.toISOString()}`);
        for (const name of status.pending) await output.line(`${output.colours.yellow('pending')}  ${name}`);
        for (const name of status.unknown)
          await output.line(`${output.colours.red('unknown')}  ${name}  (a newer Solstice was here)`);
        for (const name of status.edited)
          await output.line(`${output.colours.red('edited')}   ${name}  (changed after it was applied)`);
      }
      const { pending, unknown, edited } = status;
      return pending.length + unknown.length + edited.length > 0 ? exitCodes.failed : undefined;
    }),
  );
}
