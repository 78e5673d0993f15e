import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '@solstice/common/clock';
import type { CheckState } from '@solstice/common/store';
import { ForgeError } from '../forge-error.js';
import { oneLine } from '../push.js';
import type { GitDirectory } from './git-directory.js';
import { failed } from './git-objects.js';
import { complaint } from './git-process.js';

export const NOTES_REF = 'refs/notes/solstice';
const TRIES = 50;

/** `context <tab> state <tab> title <tab> address`: one line for each context of a commit; `git log --notes=solstice` shows it. */
export function noteLine(context: string, state: CheckState, targetUrl: string | undefined): string {
  return [oneLine(context, 255), state.state, oneLine(state.title, 200), targetUrl ?? ''].join('\t').trimEnd();
}

/** The note with this line in place of the context's earlier one, sorted; lines of others are kept as they are. */
export function mergeNote(note: string, line: string): string {
  const contextOf = (text: string) => text.split('\t', 1)[0];
  const others = note.split('\n').filter((text) => text !== '' && contextOf(text) !== contextOf(line));
  return `${[...others, line].sort().join('\n')}\n`;
}

/**
 * Writes the line into the commit's note. Safe against any number of others doing it at once: `git fast-import` moves
 * the ref only from the tip that was read, and the loser reads again. (`git notes add` would overwrite.)
 */
export async function writeNote(
  directory: GitDirectory,
  commit: string,
  line: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  let last = '';
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const tip = await tipOf(directory, signal);
    const shown =
      tip === undefined
        ? undefined
        : await directory.run({ args: ['notes', `--ref=${NOTES_REF}`, 'show', commit], signal });
    const before = shown?.exitCode === 0 ? shown.stdout.toString('utf8') : '';
    const after = mergeNote(before, line);
    if (after === before) return;
    const written = await directory.run({
      args: ['fast-import', '--quiet', '--done'],
      input: importStream(tip, commit, after, clock.now()),
      signal,
    });
    if (written.exitCode === 0) return;
    last = complaint(written);
    await delay(5 + Math.random() * 10 * Math.min(attempt + 1, 20), undefined, { signal }).catch((cause) => {
      throw new ForgeError('unavailable', 'writing a git note: stopped', { cause });
    });
  }
  throw new ForgeError('unavailable', `writing a git note in ${directory.path}: ${last}`);
}

export async function tipOf(directory: GitDirectory, signal: AbortSignal): Promise<string | undefined> {
  const answer = await directory.run({ args: ['for-each-ref', '--format=%(objectname)', NOTES_REF], signal });
  if (answer.exitCode !== 0) throw failed(directory, answer);
  const tip = answer.stdout.toString('utf8').trim();
  return tip === '' ? undefined : tip;
}

function importStream(tip: string | undefined, commit: string, note: string, now: Date): string {
  const data = (text: string) => `data ${Buffer.byteLength(text)}\n${text}\n`;
  return [
    `commit ${NOTES_REF}\n`,
    `committer Solstice CI <solstice@localhost> ${Math.floor(now.getTime() / 1000)} +0000\n`,
    data('Report checks'),
    tip === undefined ? '' : `from ${tip}\n`,
    `N inline ${commit}\n`,
    data(note),
    'done\n',
  ].join('');
}
