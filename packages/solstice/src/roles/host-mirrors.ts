import type { ForgeSettings } from '@solstice/common/config';
import type { Claim } from '@solstice/common/store';
import type { Mirrors as HostMirrors } from '@solstice/orchestrator';
import type { Mirrors } from '@solstice/workers/source';

/** The host's mirrors, with the credentials of the forges: those stay on the host and never enter a worker. */
export function mirrorsWithCredentials(
  mirrors: Pick<Mirrors, 'ensure' | 'archive' | 'directoryOf'>,
  forges: readonly ForgeSettings[],
): HostMirrors {
  const tokens = new Map(forges.map((forge) => [forge.id, forge.token]));
  return {
    ensure({ source }: Claim) {
      const token = tokens.get(source.forge);
      return mirrors.ensure({
        cloneUrl: source.cloneUrl,
        commit: source.commit,
        ref: source.ref,
        ...(token === undefined ? {} : { credential: { username: 'x-access-token', token: token.reveal() } }),
      });
    },
    archive: (directory, commit) => mirrors.archive(directory, commit),
    directoryOf: (cloneUrl) => mirrors.directoryOf(cloneUrl),
  };
}
