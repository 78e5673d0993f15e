import { join } from 'node:path';
import type { RepositoryAnswer, RepositoryView } from '@solstice/api';
import { SolsticeError } from '@solstice/common/errors';
import type { Command } from 'commander';
import { type Runtime, withExamples } from '../command.js';
import type { Context } from '../context.js';
import { readingNotes } from '../render/schedule-reading.js';
import { type Column, renderTable } from '../render/table.js';
import { oneLine } from '../render/text.js';
import { installHook } from '../repo/post-receive-hook.js';
import { ensureSecret, readSecret } from '../repo/secret-file.js';

interface AddOptions {
  forge?: string;
  path?: string;
  defaultBranch?: string;
  generateSecret?: boolean;
  secretFile?: string;
  installHook?: boolean;
}

export function addRepo(program: Command, runtime: Runtime): void {
  const repo = program.command('repo').description('the repositories that Solstice builds');

  withExamples(
    repo
      .command('add')
      .description('add a repository, or change one; says where its webhooks go. The secret is never printed')
      .argument('<name>', 'owner/name; for a plain git forge any name')
      .option('--forge <id>', 'which forge of the settings; may be left out if there is one')
      .option('--path <path>', 'where a plain git repository lies: a directory or an address')
      .option('--default-branch <name>', 'what is built when nothing else is said')
      .option('--generate-secret', 'make a webhook secret for this repository, in a file that only you may read')
      .option('--secret-file <file>', 'the secret is in this file, or with --generate-secret goes there')
      .option('--install-hook', 'write the post-receive hook into the git repository at --path'),
    [
      '$ ciadm repo add acme/app --forge code --generate-secret',
      '$ ciadm repo add app --path /srv/git/app.git --generate-secret --install-hook',
    ],
  ).action(
    runtime.action<AddOptions>(async (context, [name = ''], options) => {
      const { output } = context;
      if (options.installHook && options.path === undefined) {
        throw new SolsticeError('usage', '--install-hook wants --path, the directory of the repository.');
      }
      const secret = await findSecret(context, name, options);
      const client = await context.client();
      const path = options.path === undefined ? undefined : localPath(context, options.path);
      const answer = await client.addRepository({
        name,
        forge: options.forge,
        cloneUrl: path,
        defaultBranch: options.defaultBranch,
        webhookSecret: secret?.secret,
      });
      const hookFile =
        options.installHook && path !== undefined ? await writeHook(context, answer, path, secret?.file) : undefined;
      if (context.json) {
        await output.json({ ...answer, ...(secret && { secretFile: secret.file }), ...(hookFile && { hookFile }) });
        return undefined;
      }
      const { repository } = answer;
      const secretPlace = secret
        ? `in ${secret.file}${secret.made === false && options.generateSecret ? ' (was there already)' : ''}`
        : answer.webhookSecretPlace;
      const rows: [string, string | undefined][] = [
        ['repository', `${repository.forge}:${repository.name}`],
        ['source', repository.cloneUrl],
        ['webhook', repository.webhookUrl],
        ['secret', secretPlace],
        ['hook', hookFile],
      ];
      for (const [title, text] of rows) {
        if (text !== undefined) await output.line(`${output.colours.dim(title.padEnd(12))}${oneLine(text)}`);
      }
      if (hookFile === undefined) output.note(nextStep(answer));
      return undefined;
    }),
  );

  withExamples(repo.command('list').description('the repositories'), [
    '$ ciadm repo list',
    '$ ciadm repo list --json',
  ]).action(
    runtime.action(async (context) => {
      const { output } = context;
      const repositories = await (await context.client()).repositories();
      if (context.json) {
        await output.json({ repositories });
        return undefined;
      }
      if (repositories.length === 0) {
        output.note('No repositories. ciadm repo add adds one, as do those in solstice.kdl.');
        return undefined;
      }
      const columns: Column<RepositoryView>[] = [
        { title: 'FORGE', value: ({ forge }) => forge },
        { title: 'REPOSITORY', value: ({ name }) => name, shrinkTo: 8 },
        { title: 'FROM', value: ({ origin }) => origin },
        { title: 'SECRET', value: ({ webhookSecret }) => webhookSecret },
        { title: 'WEBHOOK', value: ({ webhookUrl }) => webhookUrl ?? 'forge is not in the settings' },
        { title: 'SOURCE', value: ({ cloneUrl }) => cloneUrl, shrinkTo: 10 },
      ];
      const { columns: width, colours } = output;
      for (const line of renderTable(columns, repositories, { width, colours })) await output.line(line);
      const now = context.io.clock.now();
      const readings = repositories.flatMap(({ schedules }) => schedules ?? []);
      for (const note of readings.flatMap((reading) => readingNotes(reading, now))) {
        await output.line(colours.dim(`schedules of ${note}`));
      }
      return undefined;
    }),
  );
}

async function findSecret(
  context: Context,
  name: string,
  options: AddOptions,
): Promise<{ secret: string; file: string; made: boolean } | undefined> {
  const { generateSecret, secretFile, forge } = options;
  if (!generateSecret) {
    if (secretFile === undefined) return undefined;
    const file = context.path(secretFile);
    return { secret: await readSecret(file), file, made: false };
  }
  const known = secretFile === undefined ? undefined : context.path(secretFile);
  // Percent-encoded: `a/b` and `a__b` must not share a file.
  const ownName = `${encodeURIComponent(forge === undefined ? name : `${forge}:${name}`)}.secret`;
  const file = known ?? join(await context.dataDirectory(), 'webhook-secrets', ownName);
  return { file, ...(await ensureSecret(file)) };
}

/** An address stays what it is. */
function localPath(context: Context, path: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(path) || /^[\w.-]+@[\w.-]+:/.test(path) ? path : context.path(path);
}

async function writeHook(
  context: Context,
  answer: RepositoryAnswer,
  path: string,
  secretFile: string | undefined,
): Promise<string> {
  const { repository, forgeKind } = answer;
  if (forgeKind !== 'git') {
    throw new SolsticeError('usage', `Forge "${repository.forge}" sends webhooks itself: it takes no hook file.`, {
      hint: 'The repository has been added; set up its webhook on the forge.',
    });
  }
  if (secretFile === undefined && repository.webhookSecret !== 'none') {
    throw new SolsticeError('usage', 'The repository has been added, but the hook has to know the webhook secret.', {
      hint: 'Add --secret-file with the file that it is in.',
    });
  }
  return await installHook({
    repositoryPath: path,
    solsticeCommand: context.io.solsticeCommand,
    webhookUrl: repository.webhookUrl ?? '',
    repositoryName: repository.name,
    secretFile,
  });
}

function nextStep({ forgeKind, repository }: RepositoryAnswer): string {
  switch (forgeKind) {
    case 'git':
      return 'Next: let its post-receive hook call solstice hook post-receive; --install-hook writes it.';
    case 'forgejo':
      return `Next: in the repository's settings on the forge add a Forgejo webhook to ${repository.webhookUrl}, content type application/json, with that secret, for pushes, pull requests and comments on them.`;
    case 'github':
      return `Next: in the repository's settings on GitHub add a webhook to ${repository.webhookUrl}, content type application/json, with that secret, for pushes, pull requests and comments on them.`;
  }
}
