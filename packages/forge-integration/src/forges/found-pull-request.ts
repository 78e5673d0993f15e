import { isCommitId, type Person } from '@solstice/common/forge';
import { z } from 'zod';
import type { PullRequest } from './forge.js';
import { ForgeError } from './forge-error.js';
import { oneLine } from './push.js';

// GitHub's and Forgejo's answers have the same form in what is read here.
const id = z.union([z.number().int(), z.string().min(1).max(100)]);
const sideSchema = z.object({ ref: z.string(), sha: z.string(), repo: z.object({ id }).nullish() });

/** An answer to `GET …/pulls/{number}`. */
export const foundPullSchema = z.object({
  number: z.number().int().positive(),
  state: z.string(),
  title: z.string().nullish(),
  head: sideSchema,
  base: sideSchema,
});

export function pullRequestOf(found: z.infer<typeof foundPullSchema>): PullRequest {
  const { number, head, base } = found;
  if (!isCommitId(head.sha) || !isCommitId(base.sha)) {
    throw new ForgeError('unavailable', `pull request ${number}: its commits are not known yet`);
  }
  const title = oneLine(found.title ?? '', 200);
  return {
    number,
    open: found.state === 'open',
    head: {
      forgeRepositoryId: head.repo == null ? undefined : oneLine(String(head.repo.id), 100),
      branch: head.ref,
      commit: head.sha,
    },
    base: { branch: base.ref, commit: base.sha },
    title: title === '' ? undefined : title,
  };
}

/** An answer to `GET …/collaborators/{user}/permission`. */
export const permissionSchema = z.object({
  permission: z.string(),
  user: z.object({ id: id.nullish() }).nullish(),
});

/** Names as forges give them, a bot's too (`name[bot]`): nothing else goes into the address of a question. */
export function isLogin(login: string): boolean {
  return /^[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,98})(?:\[bot\])?$/.test(login);
}

/** Everything but these words is less than writing. A name can be given to another person; an id cannot. */
export function isWriter(found: z.infer<typeof permissionSchema>, person: Person): boolean {
  const answeredId = found.user?.id;
  if (person.id !== undefined && answeredId != null && String(answeredId) !== person.id) return false;
  return ['write', 'admin', 'owner'].includes(found.permission);
}
