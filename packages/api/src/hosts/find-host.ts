import { nearestName, SolsticeError } from '@solstice/common/errors';
import type { HostRecord, Store } from '@solstice/common/store';

/** So many known names are told. */
const toldNames = 10;

/** Rejects with `not-found`, naming those that there are. */
export async function findHost(store: Store, id: string): Promise<HostRecord> {
  const hosts = await store.hosts.list();
  const host = hosts.find((candidate) => candidate.id === id);
  if (host) return host;
  const ids = hosts.map((each) => each.id);
  throw new SolsticeError('not-found', `There is no host "${id}".`, { hint: hintFor(id, ids) });
}

function hintFor(id: string, ids: readonly string[]): string {
  if (ids.length === 0) return 'No host has registered yet.';
  const nearest = nearestName(id, ids);
  const told = ids.slice(0, toldNames).join(', ');
  const known = `There ${ids.length === 1 ? 'is' : 'are'} ${told}${ids.length > toldNames ? ', …' : ''}.`;
  return nearest === undefined ? known : `Did you mean ${nearest}? ${known}`;
}
