import type { RepositoryRef } from '@solstice/common/forge';
import { z } from 'zod';
import type { NormalisedDelivery } from '../forge.js';
import { normalisePush, oneLine, person } from '../push.js';

// Lenient: only the fields that are read. Forgejo sends null where it knows nothing.
const id = z.union([z.number().int(), z.string().min(1).max(100)]);
const repositorySchema = z.object({
  id,
  full_name: z.string().min(1).max(255),
  default_branch: z.string().nullish(),
  clone_url: z.string().nullish(),
});
const userSchema = z.object({ id: id.nullish(), login: z.string().nullish(), username: z.string().nullish() });
const withRepositorySchema = z.object({ repository: repositorySchema });
const commitSchema = z.object({ id: z.string().nullish(), message: z.string().nullish() });
const pushSchema = z.object({
  ref: z.string(),
  before: z.string(),
  after: z.string(),
  repository: repositorySchema,
  head_commit: commitSchema.nullish(),
  pusher: userSchema.nullish(),
  sender: userSchema.nullish(),
});

/** One of Forgejo's webhooks in our words. Never throws. Forgejo does not say whether a push was forced. */
export function normaliseForgejo(eventName: string | undefined, body: unknown): NormalisedDelivery {
  if (eventName !== 'push') {
    const named = withRepositorySchema.safeParse(body);
    const repository = named.success ? repositoryOf(named.data.repository) : undefined;
    return { kind: 'ignored', reason: reasonFor(eventName), repository };
  }
  const parsed = pushSchema.safeParse(body);
  if (!parsed.success) return { kind: 'malformed', reason: oneLine(z.prettifyError(parsed.error), 300) };
  const push = parsed.data;
  const pusher = push.pusher ?? push.sender;
  // As with GitHub, the `after` of an annotated tag may be the tag object.
  const after = push.ref.startsWith('refs/tags/') && push.head_commit?.id ? push.head_commit.id : push.after;
  return normalisePush({
    repository: repositoryOf(push.repository),
    ref: push.ref,
    before: push.before,
    after,
    forced: false,
    pusher: person(pusher?.login ?? pusher?.username ?? undefined, pusher?.id ?? undefined),
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
  if (eventName === 'create' || eventName === 'delete') return `${eventName}: the push event tells the same`;
  return `${oneLine(eventName ?? 'an event without a name', 100)}: not used by this version`;
}
