import type { RepositoryRef } from '@solstice/common/forge';
import { z } from 'zod';
import type { NormalisedDelivery } from '../forge.js';
import { normaliseComment, normalisePullRequest } from '../pull-request.js';
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

const number = z.number().int().positive();
/** `repo` is null when the repository is gone. */
const sideSchema = z.object({ ref: z.string(), sha: z.string(), repo: z.object({ id }).nullish() });
const pullRequestSchema = z.object({
  action: z.string(),
  number,
  pull_request: z.object({
    title: z.string().nullish(),
    user: userSchema.nullish(),
    head: sideSchema,
    base: sideSchema,
  }),
  changes: z.object({ ref: z.unknown().optional() }).nullish(),
  repository: repositorySchema,
  sender: userSchema.nullish(),
});
const commentSchema = z.object({
  action: z.string(),
  is_pull: z.boolean().nullish(),
  issue: z.object({ number }),
  comment: z.object({ id, body: z.string().nullish(), user: userSchema.nullish() }),
  repository: repositorySchema,
});

/**
 * One of Forgejo's webhooks in our words. Never throws. Forgejo does not say whether a push was forced. By the broad name
 * of the event (`X-Forgejo-Event`): the exact one (`pull_request_sync`) is in another header, and told by `action` too.
 */
export function normaliseForgejo(eventName: string | undefined, body: unknown): NormalisedDelivery {
  switch (eventName) {
    case 'push':
      return pushOf(body);
    case 'pull_request':
      return pullRequestOf(body);
    case 'issue_comment':
      return commentOf(body);
    default: {
      const named = withRepositorySchema.safeParse(body);
      const repository = named.success ? repositoryOf(named.data.repository) : undefined;
      return { kind: 'ignored', reason: reasonFor(eventName), repository };
    }
  }
}

function pullRequestOf(body: unknown): NormalisedDelivery {
  const parsed = pullRequestSchema.safeParse(body);
  if (!parsed.success) return { kind: 'malformed', reason: oneLine(z.prettifyError(parsed.error), 300) };
  const { action, changes, pull_request: pull, repository, sender } = parsed.data;
  const actions: Record<string, string> = {
    synchronized: 'updated',
    edited: changes?.ref == null ? 'edited' : 'retargeted',
  };
  return normalisePullRequest({
    repository: repositoryOf(repository),
    number: parsed.data.number,
    action: (Object.hasOwn(actions, action) ? actions[action] : undefined) ?? action,
    head: sideOf(pull.head),
    base: { forgeRepositoryId: undefined, ...sideOf(pull.base) },
    author: personOf(pull.user),
    sender: personOf(sender),
    title: pull.title ?? undefined,
  });
}

function sideOf(side: z.infer<typeof sideSchema>): { forgeRepositoryId?: string; branch: string; commit: string } {
  const repository = side.repo == null ? {} : { forgeRepositoryId: oneLine(String(side.repo.id), 100) };
  return { ...repository, branch: side.ref, commit: side.sha };
}

function commentOf(body: unknown): NormalisedDelivery {
  const parsed = commentSchema.safeParse(body);
  if (!parsed.success) return { kind: 'malformed', reason: oneLine(z.prettifyError(parsed.error), 300) };
  const { action, issue, comment, repository } = parsed.data;
  return normaliseComment({
    repository: repositoryOf(repository),
    number: issue.number,
    action,
    onPullRequest: parsed.data.is_pull === true,
    commentId: oneLine(String(comment.id), 100),
    author: personOf(comment.user),
    body: comment.body ?? '',
  });
}

function personOf(user: z.infer<typeof userSchema> | null | undefined): ReturnType<typeof person> {
  return person(user?.login ?? user?.username ?? undefined, user?.id ?? undefined);
}

function pushOf(body: unknown): NormalisedDelivery {
  const parsed = pushSchema.safeParse(body);
  if (!parsed.success) return { kind: 'malformed', reason: oneLine(z.prettifyError(parsed.error), 300) };
  const push = parsed.data;
  // As with GitHub, the `after` of an annotated tag may be the tag object.
  const after = push.ref.startsWith('refs/tags/') && push.head_commit?.id ? push.head_commit.id : push.after;
  return normalisePush({
    repository: repositoryOf(push.repository),
    ref: push.ref,
    before: push.before,
    after,
    forced: false,
    pusher: personOf(push.pusher ?? push.sender),
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
