import { isCommitId, isZeroCommit, type PushEvent, type RepositoryRef } from '@solstice/common/forge';
import type { NormalisedDelivery } from './forge.js';

/** What the three forges say of a push, before it is checked. */
export interface RawPush {
  repository: RepositoryRef;
  ref: string;
  before: string;
  after: string;
  forced: boolean;
  pusher: PushEvent['pusher'];
  /** The head commit's whole message; absent where the forge sends none. */
  message: string | undefined;
}

/** Our event, or why there is none. What leaves here can be stored, shown, and given to git. */
export function normalisePush(raw: RawPush): NormalisedDelivery {
  const { repository, ref, before, after } = raw;
  if (!isRefName(ref)) return { kind: 'malformed', reason: 'ref is not the full name of a git ref' };
  if (!isCommitId(before) || !isCommitId(after)) {
    return { kind: 'malformed', reason: 'before and after are not commit ids' };
  }
  if (!ref.startsWith('refs/heads/') && !ref.startsWith('refs/tags/')) {
    return { kind: 'ignored', reason: `${ref} is neither a branch nor a tag`, repository };
  }
  if (before === after) {
    return {
      kind: 'ignored',
      reason: 'nothing changed (before and after are the same commit): a test delivery',
      repository,
    };
  }
  const title = raw.message === undefined ? '' : oneLine(raw.message.split('\n', 1)[0] ?? '', 200);
  return {
    kind: 'event',
    event: {
      kind: 'forge.push.v1',
      repository,
      ref,
      before,
      after,
      created: isZeroCommit(before),
      deleted: isZeroCommit(after),
      forced: raw.forced,
      pusher: raw.pusher,
      ...(title === '' ? {} : { title }),
    },
  };
}

/** A person as stored: never empty, one line. */
export function person(login: string | undefined, id: string | number | bigint | undefined): PushEvent['pusher'] {
  const name = oneLine(login ?? '', 100);
  return { login: name === '' ? 'unknown' : name, ...(id === undefined ? {} : { id: String(id) }) };
}

/** Text of a stranger, made fit to be stored and shown: well-formed, no control characters (PostgreSQL refuses NUL), cut. */
export function oneLine(text: string, maxLength: number): string {
  const wellFormed = Buffer.from(text, 'utf8').toString('utf8');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  const line = wellFormed.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
  return cut(line, maxLength);
}

/** At most `maxLength` UTF-16 code units, ending with `…` when something is missing; never half a character. */
export function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const kept = text.slice(0, maxLength - 1);
  return `${kept.replace(/[\ud800-\udbff]$/, '')}…`;
}

/** The rules of `git check-ref-format`, so that a name can be given to git and to a shell's log without surprise. */
export function isRefName(ref: string): boolean {
  return (
    ref.length <= 500 &&
    /^refs\/[^/]/.test(ref) &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: git forbids them.
    !/[\u0000-\u0020\u007f~^:?*[\\]/.test(ref) &&
    !/\.\.|\/\/|@\{|\/\.|\.lock(?:\/|$)|[/.]$/.test(ref) &&
    Buffer.from(ref, 'utf8').toString('utf8') === ref
  );
}
