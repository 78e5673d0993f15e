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

export const forgeEventSchema = z.discriminatedUnion('kind', [pushEventSchema]);
export type PushEvent = z.infer<typeof pushEventSchema>;
export type ForgeEvent = z.infer<typeof forgeEventSchema>;
export type RepositoryRef = z.infer<typeof repositoryRefSchema>;

/** `main` of `refs/heads/main`; undefined for tags and other refs. */
export function branchOf(ref: string): string | undefined {
  return ref.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : undefined;
}

/** What people call it: `main` of `refs/heads/main`, `v1` of `refs/tags/v1`; other refs in full. */
export function shortRefOf(ref: string): string {
  return ref.replace(/^refs\/(?:heads|tags)\//, '');
}
