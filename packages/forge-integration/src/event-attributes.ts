import { type ForgeEvent, subjectOf } from '@solstice/common/forge';
import { sourceAttributes } from '@solstice/common/telemetry';

/** What spans say of an event. A comment does not name its commit: that is known only when it is planned. */
export function eventAttributes(
  forge: string,
  repositoryName: string,
  event: ForgeEvent | undefined,
): Partial<ReturnType<typeof sourceAttributes>> {
  if (event === undefined) return {};
  const { ref, commit } = subjectOf(event);
  const { 'vcs.ref.head.revision': revision, ...others } = sourceAttributes({
    forge,
    repositoryName,
    ref,
    commit: commit ?? '',
  });
  return commit === undefined ? others : { ...others, 'vcs.ref.head.revision': revision };
}
