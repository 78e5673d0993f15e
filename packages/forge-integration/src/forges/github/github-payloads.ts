import type { RepositoryRef } from '@solstice/common/forge';
import { z } from 'zod';
import type { NormalisedDelivery } from '../forge.js';
import { normalisePush, oneLine, person } from '../push.js';

// Lenient: only the fields that are read, because GitHub adds and nulls fields without notice.
const id = z.union([z.number().int(), z.string().min(1).max(100)]);
const repositorySchema = z.object({
  id,
  full_name: z.string().min(1).max(255),
  default_branch: z.string().nullish(),
  clone_url: z.string().nullish(),
});
const withRepositorySchema = z.object({ repository: repositorySchema });
const pushSchema = z.object({
  ref: z.string(),
  before: z.string(),
  after: z.string(),
  forced: z.boolean().nullish(),
  repository: repositorySchema,
  head_commit: z.object({ id: z.string().nullish(), message: z.string().nullish() }).nullish(),
  pusher: z.object({ name: z.string().nullish() }).nullish(),
  sender: z.object({ id: id.nullish(), login: z.string().nullish() }).nullish(),
});

/** One of GitHub's webhooks in our words. Never throws. */
export function normaliseGithub(eventName: string | undefined, body: unknown): NormalisedDelivery {
  if (eventName !== 'push') {
    const named = withRepositorySchema.safeParse(body);
    const repository = named.success ? repositoryOf(named.data.repository) : undefined;
    return { kind: 'ignored', reason: reasonFor(eventName), repository };
  }
  const parsed = pushSchema.safeParse(body);
  if (!parsed.success) return { kind: 'malformed', reason: oneLine(z.prettifyError(parsed.error), 300) };
  const push = parsed.data;
  // The `after` of an annotated tag is the tag object; the commit is the head commit.
  const after = push.ref.startsWith('refs/tags/') && push.head_commit?.id ? push.head_commit.id : push.after;
  return normalisePush({
    repository: repositoryOf(push.repository),
    ref: push.ref,
    before: push.before,
    after,
    forced: push.forced ?? false,
    pusher: person(push.sender?.login ?? push.pusher?.name ?? undefined, push.sender?.id ?? undefined),
    message: push.head_commit?.message ?? undefined,
  });
}

function repositoryOf(repository: z.infer<typeof repositorySchema>): RepositoryRef {
  return {
    forgeRepositoryId: oneLine(String(repository.id), 100),
    name: oneLine(repository.full_name, 255),
    ...(repository.default_branch ? { defaultBranch: oneLine(repository.default_branch, 255) } : {}),
    ...(repository.clone_url ? { cloneUrl: oneLine(repository.clone_url, 2000) } : {}),
  };
}

function reasonFor(eventName: string | undefined): string {
  if (eventName === 'ping') return 'ping: the webhook works';
  if (eventName === 'create' || eventName === 'delete') return `${eventName}: the push event tells the same`;
  return `${oneLine(eventName ?? 'an event without a name', 100)}: not used by this version`;
}
