import { createHash } from 'node:crypto';
import { assertNever } from '@solstice/common/errors';
import type { ForgeEvent } from '@solstice/common/forge';

/**
 * Equal for two deliveries that tell of the same change, whatever their ids: a forge's two hooks on one repository, or
 * a hook that was run again by hand. Made of our repository's id (names change), the event, and what makes it this one.
 */
export function twinKeyOf(repositoryId: string, event: ForgeEvent): string {
  // JSON keeps the parts apart: no two lists have the same text.
  const parts = JSON.stringify([repositoryId, event.kind, ...changeOf(event)]);
  return createHash('sha256').update(parts).digest('hex');
}

function changeOf(event: ForgeEvent): (string | number)[] {
  switch (event.kind) {
    case 'forge.push.v1':
      return [event.ref, event.before, event.after];
    case 'forge.pull_request.v1':
      return [event.number, event.action, event.base.branch, event.base.commit, event.head.commit];
    case 'forge.comment.v1':
      return [event.number, event.commentId];
    case 'forge.schedule.v1':
      return [event.file, event.cron, event.timezone, event.tick];
    default:
      return assertNever(event);
  }
}
