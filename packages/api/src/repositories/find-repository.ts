import { SolsticeError } from '@solstice/common/errors';
import type { Repository, Store } from '@solstice/common/store';

/** By id, by `forge:name`, or by name where only one forge has it. Rejects with `not-found`, or `usage` for several. */
export async function findRepository(store: Store, ref: string): Promise<Repository> {
  const repositories = await store.repositories.list();
  const exact = repositories.find((repository) => repository.id === ref || nameOf(repository) === ref);
  if (exact) return exact;
  const named = repositories.filter((repository) => repository.name === ref);
  if (named.length > 1) {
    const names = named.map(nameOf).join(', ');
    throw new SolsticeError('usage', `Several forges have a repository "${ref}".`, { hint: `Say which: ${names}.` });
  }
  if (!named[0]) {
    throw new SolsticeError('not-found', `There is no repository "${ref}".`, { hint: 'ciadm repo list shows them.' });
  }
  return named[0];
}

/** `forge:owner/name` */
export function nameOf(repository: Pick<Repository, 'forge' | 'name'>): string {
  return `${repository.forge}:${repository.name}`;
}
