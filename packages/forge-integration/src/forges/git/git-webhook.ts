import type { Secret } from '@solstice/common/config';
import { isZeroCommit } from '@solstice/common/forge';
import { z } from 'zod';
import type { NormalisedDelivery } from '../forge.js';
import { normalisePush, oneLine, person } from '../push.js';
import { hmacHex } from '../signature.js';

/** What a `post-receive` hook posts for one ref. */
export const gitPushSchema = z.strictObject({
  /** As it is called in the settings. */
  repository: z.string().min(1).max(255),
  ref: z.string(),
  before: z.string(),
  after: z.string(),
  pusher: z.string(),
  /** First line of the head commit's message. */
  title: z.string().optional(),
  /** The hook, next to the objects, asked `git merge-base`. */
  forced: z.boolean().optional(),
});
export type GitPush = z.infer<typeof gitPushSchema>;

/** A hook's delivery in our words. Never throws. */
export function normaliseGit(eventName: string | undefined, body: unknown): NormalisedDelivery {
  if (eventName !== 'push') {
    const named = z.object({ repository: z.string().min(1).max(255) }).safeParse(body);
    const name = named.success ? oneLine(named.data.repository, 255) : undefined;
    return {
      kind: 'ignored',
      reason: `${oneLine(eventName ?? 'an event without a name', 100)}: not used by this version`,
      repository: name === undefined ? undefined : { forgeRepositoryId: name, name },
    };
  }
  const parsed = gitPushSchema.safeParse(body);
  if (!parsed.success) return { kind: 'malformed', reason: oneLine(z.prettifyError(parsed.error), 300) };
  const push = parsed.data;
  const name = oneLine(push.repository, 255);
  return normalisePush({
    repository: { forgeRepositoryId: name, name },
    ref: push.ref,
    before: push.before,
    after: push.after,
    forced: (push.forced ?? false) && !isZeroCommit(push.before) && !isZeroCommit(push.after),
    pusher: person(push.pusher, undefined),
    message: push.title,
  });
}

export interface SendGitPush {
  /** `http://host:8420/webhooks/<forge id>` */
  url: string;
  /** Absent: unsigned, which only an installation in --dev takes. */
  secret: Secret | undefined;
  /** The same when it is sent again. */
  deliveryId: string;
  push: GitPush;
  signal: AbortSignal;
}

/** Posts once. Resolves with whatever the server answered; rejects when there was no answer. */
export async function sendGitPush(request: SendGitPush): Promise<{ status: number; answer: unknown }> {
  const body = Buffer.from(JSON.stringify(request.push));
  const response = await fetch(request.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'solstice-hook',
      'x-solstice-event': 'push',
      'x-solstice-delivery': request.deliveryId,
      ...(request.secret ? { 'x-solstice-signature-256': `sha256=${hmacHex(request.secret, body)}` } : {}),
    },
    body,
    redirect: 'error',
    signal: request.signal,
  });
  const text = await response.text();
  try {
    return { status: response.status, answer: JSON.parse(text) };
  } catch {
    return { status: response.status, answer: text.slice(0, 300) };
  }
}
