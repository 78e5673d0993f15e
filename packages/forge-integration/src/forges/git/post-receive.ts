import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Secret } from '@solstice/common/config';
import { isZeroCommit, shortRefOf } from '@solstice/common/forge';
import { z } from 'zod';
import { oneLine } from '../push.js';
import { createGit, type Git } from './git-process.js';
import { type GitPush, sendGitPush } from './git-webhook.js';

export interface PostReceiveOptions {
  /** What git gives the hook on standard input: `<old> <new> <ref>` lines. */
  lines: string;
  /** `http://host:8420/webhooks/<forge id>` */
  url: string;
  /** The repository's name in the settings. */
  repository: string;
  secret: Secret | undefined;
  /** The repository that was pushed to; the hook's working directory. */
  gitDirectory: string;
  pusher: string;
  /** The hook's own, for git. */
  environment: Readonly<Record<string, string | undefined>>;
  /** A line for the person who pushed. */
  print(line: string): void;
  /** For everything together. Default 30 s. */
  deadlineMs?: number;
}

/**
 * Tells Solstice of each branch and tag that a push moved, and the pusher how that went. Sends again, under the same
 * delivery id, until it is answered for good or the deadline passes. Never rejects: git has the commits already.
 */
export async function postReceive(options: PostReceiveOptions): Promise<{ delivered: number; undelivered: number }> {
  const directory = resolve(options.gitDirectory);
  const git = createGit(options.environment);
  const deadline = AbortSignal.timeout(options.deadlineMs ?? 30_000);
  const updates = options.lines
    .split('\n')
    .map((line) => line.trim().split(' '))
    // Also keeps our own notes out, which come in by a push when the repository is elsewhere.
    .filter(([, , ref]) => /^refs\/(?:heads|tags)\//.test(ref ?? '')) as [string, string, string][];

  const results = await Promise.all(
    updates.map(async ([before, after, ref]): Promise<boolean> => {
      const outcome = await deliver(options, await describePush(git, directory, options, before, after, ref), deadline);
      if (outcome.delivered) {
        options.print(`solstice: ${outcome.text}`);
        return true;
      }
      options.print(`solstice: NOT delivered: ${shortRefOf(ref)}: ${outcome.text}`);
      const line = quoted(`${before} ${after} ${ref}`);
      options.print(`solstice: run again with: cd ${quoted(directory)} && echo ${line} | hooks/post-receive`);
      return false;
    }),
  );
  const delivered = results.filter(Boolean).length;
  return { delivered, undelivered: results.length - delivered };
}

async function describePush(
  git: Git,
  directory: string,
  options: PostReceiveOptions,
  before: string,
  after: string,
  ref: string,
): Promise<GitPush> {
  const ask = async (...args: string[]) => {
    try {
      return await git({ args: [`--git-dir=${directory}`, ...args], timeoutMs: 10_000 });
    } catch {
      // What it would have said is only nice to have.
      return undefined;
    }
  };
  const push: GitPush = { repository: options.repository, ref, before, after, pusher: options.pusher, forced: false };
  if (isZeroCommit(after)) return push;
  // An annotated tag's own id is no commit; what is built is.
  const commit = await ask('rev-parse', '--verify', '--quiet', `${after}^{commit}`);
  if (commit?.exitCode === 0) push.after = commit.stdout.toString('utf8').trim();
  const title = await ask('show', '--no-patch', '--format=%s', push.after);
  if (title?.exitCode === 0) push.title = oneLine(title.stdout.toString('utf8'), 200);
  if (!isZeroCommit(before)) {
    const ancestor = await ask('merge-base', '--is-ancestor', before, after);
    push.forced = ancestor?.exitCode === 1;
  }
  return push;
}

async function deliver(
  options: PostReceiveOptions,
  push: GitPush,
  deadline: AbortSignal,
): Promise<{ delivered: boolean; text: string }> {
  const deliveryId = randomUUID();
  let last = 'no answer in time';
  for (let pauseMs = 100; ; pauseMs = Math.min(pauseMs * 2, 3_000)) {
    try {
      const signal = AbortSignal.any([deadline, AbortSignal.timeout(10_000)]);
      const { status, answer } = await sendGitPush({
        url: options.url,
        secret: options.secret,
        deliveryId,
        push,
        signal,
      });
      const said = answerSchema.safeParse(answer);
      const reason = said.success ? (said.data.reason ?? said.data.message ?? '') : '';
      if (status === 202) return { delivered: true, text: acknowledged(push, said.success ? said.data : {}) };
      last = `HTTP ${status}${reason === '' ? '' : `: ${oneLine(reason, 300)}`}`;
      if (status < 500 && status !== 429 && status !== 408) return { delivered: false, text: last };
    } catch (error) {
      if (!deadline.aborted) last = `${options.url}: ${reasonOf(error)}`;
    }
    try {
      await delay(pauseMs * (0.5 + Math.random()), undefined, { signal: deadline });
    } catch {
      return { delivered: false, text: last };
    }
  }
}

// Of the answer of POST /webhooks/:forge (see webhook-routes.ts).
const answerSchema = z.object({
  state: z.string().optional(),
  reason: z.string().optional(),
  message: z.string().optional(),
});

function acknowledged(push: GitPush, answer: z.infer<typeof answerSchema>): string {
  const what = isZeroCommit(push.after)
    ? `deletion of ${shortRefOf(push.ref)}`
    : `${shortRefOf(push.ref)} ${push.after.slice(0, 8)}`;
  if (answer.state === 'ignored') return `ignored ${what}${answer.reason ? `: ${oneLine(answer.reason, 300)}` : ''}`;
  return `queued ${what}`;
}

/** For a shell: the name of a ref may hold `'`, `;` and `$`. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause;
  if (cause instanceof Error && cause.message !== '') return cause.message;
  return error.name === 'TimeoutError' ? 'no answer in time' : error.message;
}
