import { createHash } from 'node:crypto';
import type { ForgeEvent } from '@solstice/common/forge';

/**
 * Equal for two deliveries that tell of the same change, whatever their ids: a forge's two hooks on one repository, or
 * a hook that was run again by hand. Made of our repository's id (names change), the event, the ref, before and after.
 */
export function twinKeyOf(repositoryId: string, event: ForgeEvent): string {
  // JSON keeps the parts apart: no two lists of strings have the same text.
  const parts = JSON.stringify([repositoryId, event.kind, event.ref, event.before, event.after]);
  return createHash('sha256').update(parts).digest('hex');
}
