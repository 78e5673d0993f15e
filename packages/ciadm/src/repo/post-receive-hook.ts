import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SolsticeError } from '@solstice/common/errors';

const marker = '# Written by ciadm repo add --install-hook.';

export interface HookRequest {
  /** Bare, or a working tree with `.git`. */
  repositoryPath: string;
  /** What starts `solstice` here. */
  solsticeCommand: readonly string[];
  webhookUrl: string;
  repositoryName: string;
  /** Absent: webhooks are let in without (`--dev`). */
  secretFile: string | undefined;
}

/** Writes the hook that tells Solstice of pushes. Answers its path. Refuses to touch a hook of somebody else. */
export async function installHook(request: HookRequest): Promise<string> {
  const directory = await hooksDirectory(request.repositoryPath);
  const file = join(directory, 'post-receive');
  const script = hookScript(request);
  const before = await readFile(file, 'utf8').catch(() => undefined);
  if (before !== undefined && !before.includes(marker)) {
    throw new SolsticeError('refused', `${file} is there already and is not ours.`, {
      hint: `Let it end with: ${hookCommand(request)}`,
    });
  }
  // Written aside, so that a push at this very moment finds the old one or the new one.
  const aside = `${file}.new-${process.pid}`;
  await writeFile(aside, script, { mode: 0o755 });
  await rename(aside, file);
  return file;
}

export function hookScript(request: HookRequest): string {
  return `#!/bin/sh\n${marker}\n# Git gives the pushed refs on standard input.\nexec ${hookCommand(request)}\n`;
}

function hookCommand({ solsticeCommand, webhookUrl, repositoryName, secretFile }: HookRequest): string {
  const secret = secretFile === undefined ? [] : ['--secret-file', secretFile];
  const words = ['hook', 'post-receive', '--url', webhookUrl, '--repository', repositoryName, ...secret];
  return [...solsticeCommand, ...words].map(quote).join(' ');
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

async function hooksDirectory(path: string): Promise<string> {
  for (const directory of [join(path, '.git', 'hooks'), join(path, 'hooks')]) {
    const found = await stat(directory).catch(() => undefined);
    if (found?.isDirectory()) return directory;
  }
  throw new SolsticeError('usage', `${path} is no git repository on this machine (it has no hooks directory).`, {
    hint: 'Give --path the directory of the repository.',
  });
}
