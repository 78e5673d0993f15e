import type { RepositoryRef } from '@solstice/common/forge';
import { z } from 'zod';
import type { NormalisedDelivery } from '../forge.js';
import { normaliseComment, normalisePullRequest } from '../pull-request.js';
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

const userSchema = z.object({ id: id.nullish(), login: z.string().nullish() }).nullish();
const number = z.number().int().positive();
/** Null, or without `repo`, when the repository is gone. */
const sideSchema = z.object({ ref: z.string(), sha: z.string(), repo: z.object({ id }).nullish() });
const pullRequestSchema = z.object({
  action: z.string(),
  number,
  pull_request: z.object({ title: z.string().nullish(), user: userSchema, head: sideSchema, base: sideSchema }),
  changes: z.object({ base: z.unknown().optional() }).nullish(),
  repository: repositorySchema,
  sender: userSchema,
});
const commentSchema = z.object({
  action: z.string(),
  issue: z.object({ number, pull_request: z.object({}).nullish() }),
  comment: z.object({ id, body: z.string().nullish(), user: userSchema }),
  repository: repositorySchema,
});

/** One of GitHub's webhooks in our words. Never throws. */
export function normaliseGithub(eventName: string | undefined, body: unknown): NormalisedDelivery {
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
    synchronize: 'updated',
    // Also the title or the text may have been edited.
    edited: changes?.base == null ? 'edited' : 'retargeted',
  };
  return normalisePullRequest({
    repository: repositoryOf(repository),
    number: parsed.data.number,
    action: (Object.hasOwn(actions, action) ? actions[action] : undefined) ?? action,
    head: sideOf(pull.head),
    base: { forgeRepositoryId: undefined, ...sideOf(pull.base) },
    author: person(pull.user?.login ?? undefined, pull.user?.id ?? undefined),
    sender: person(sender?.login ?? undefined, sender?.id ?? undefined),
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
    onPullRequest: issue.pull_request != null,
    commentId: oneLine(String(comment.id), 100),
    author: person(comment.user?.login ?? undefined, comment.user?.id ?? undefined),
    body: comment.body ?? '',
  });
}

function pushOf(body: unknown): NormalisedDelivery {
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
