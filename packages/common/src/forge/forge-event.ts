import { z } from 'zod';

/** A forge's webhook in our words: what is stored in the inbox and what listeners read. Versioned by `kind`. */
export const repositoryRefSchema = z.strictObject({
  /** The forge's own id of the repository: never changes with its name. For a plain git forge: its name. */
  forgeRepositoryId: z.string(),
  /** `owner/name`; for a plain git forge: `name`. */
  name: z.string(),
  defaultBranch: z.string().optional(),
  cloneUrl: z.string().optional(),
});

export const personSchema = z.strictObject({ id: z.string().optional(), login: z.string() });

export const pushEventSchema = z.strictObject({
  kind: z.literal('forge.push.v1'),
  repository: repositoryRefSchema,
  /** `refs/heads/main`, `refs/tags/v1`. */
  ref: z.string(),
  before: z.string(),
  after: z.string(),
  created: z.boolean(),
  deleted: z.boolean(),
  forced: z.boolean(),
  pusher: personSchema,
  /** First line of the head commit's message, when the forge says it. */
  title: z.string().optional(),
});

/** What happened to a pull request, where its code or what it is to be merged into became another. */
export const pullRequestActions = ['opened', 'updated', 'reopened', 'retargeted'] as const;

export const pullRequestEventSchema = z.strictObject({
  kind: z.literal('forge.pull_request.v1'),
  repository: repositoryRefSchema,
  number: z.number().int().positive(),
  action: z.enum(pullRequestActions),
  /** As the forge says it, and no proof of anything: the planner looks for the commit in the repository itself. */
  head: z.strictObject({
    /** Absent: the repository that it came from is gone. */
    forgeRepositoryId: z.string().optional(),
    /** Short: `topic`. */
    branch: z.string(),
    commit: z.string(),
  }),
  base: z.strictObject({ branch: z.string(), commit: z.string() }),
  /** Who opened it. */
  author: personSchema,
  /** Who did this with it. */
  sender: personSchema,
  title: z.string().optional(),
});

/** A new comment on a pull request. Which commit it is about is what the forge says when it is planned. */
export const commentEventSchema = z.strictObject({
  kind: z.literal('forge.comment.v1'),
  repository: repositoryRefSchema,
  /** Of the pull request. */
  number: z.number().int().positive(),
  commentId: z.string(),
  author: personSchema,
  /** The first line that is not empty, cut. */
  line: z.string(),
});

/** A schedule's time has come. From no forge: Solstice puts it into its inbox itself, once a tick. */
export const scheduleEventSchema = z.strictObject({
  kind: z.literal('forge.schedule.v1'),
  repository: repositoryRefSchema,
  /** The workflow file whose schedule it is. What it says is read anew, at the newest commit of the default branch. */
  file: z.string(),
  /** Its workflow's name, when the schedule was read. */
  workflow: z.string(),
  /** Five fields. */
  cron: z.string(),
  timezone: z.string(),
  /** When it was to be: `2026-03-01T02:00:00.000Z`. */
  tick: z.string(),
  /** Earlier ticks that nobody was there for, and that this one stands for too. */
  missed: z.number().int().nonnegative(),
});

/** Every event, by the kind that names its version. */
export const forgeEventSchemas = {
  'forge.push.v1': pushEventSchema,
  'forge.pull_request.v1': pullRequestEventSchema,
  'forge.comment.v1': commentEventSchema,
  'forge.schedule.v1': scheduleEventSchema,
} as const;

export const forgeEventSchema = z.discriminatedUnion('kind', [
  pushEventSchema,
  pullRequestEventSchema,
  commentEventSchema,
  scheduleEventSchema,
]);
export type PushEvent = z.infer<typeof pushEventSchema>;
export type PullRequestEvent = z.infer<typeof pullRequestEventSchema>;
export type CommentEvent = z.infer<typeof commentEventSchema>;
export type ScheduleEvent = z.infer<typeof scheduleEventSchema>;
export type ForgeEvent = z.infer<typeof forgeEventSchema>;
export type RepositoryRef = z.infer<typeof repositoryRefSchema>;
export type Person = z.infer<typeof personSchema>;

/** What an event is about, as far as it says so itself: a comment does not name the commit, a schedule has none yet. */
export function subjectOf(event: ForgeEvent): { ref: string; commit: string | undefined } {
  if (event.kind === 'forge.push.v1') return { ref: event.ref, commit: event.after };
  if (event.kind === 'forge.schedule.v1') {
    const branch = event.repository.defaultBranch;
    return { ref: branch === undefined ? 'HEAD' : `refs/heads/${branch}`, commit: undefined };
  }
  const commit = event.kind === 'forge.pull_request.v1' ? event.head.commit : undefined;
  return { ref: pullRequestRef(event.number), commit };
}

/** Where forges keep the head of a pull request. */
export function pullRequestRef(number: number): string {
  return `refs/pull/${number}/head`;
}

/** `v1` of `refs/tags/v1`; undefined for branches and other refs. */
export function tagOf(ref: string): string | undefined {
  return ref.startsWith('refs/tags/') ? ref.slice('refs/tags/'.length) : undefined;
}

/** `main` of `refs/heads/main`; undefined for tags and other refs. */
export function branchOf(ref: string): string | undefined {
  return ref.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : undefined;
}

/** What people call it: `main` of `refs/heads/main`, `v1` of `refs/tags/v1`; other refs in full. */
export function shortRefOf(ref: string): string {
  return ref.replace(/^refs\/(?:heads|tags)\//, '');
}
