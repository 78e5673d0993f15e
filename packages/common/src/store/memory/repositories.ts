import type { Repository, RepositoryStore } from '../port/index.js';
import { looksDifferent } from '../projection/index.js';
import type { Core } from './core.js';
import { compareRepositories } from './repository-order.js';
import { askLook, hurryLook } from './schedule-looks.js';

export class MemoryRepositories implements RepositoryStore {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  upsert(given: Omit<Repository, 'id' | 'createdAt'>): Promise<Repository> {
    return this.#core.transact(() => {
      const stored = this.#byName(given.forge, given.name);
      const row: Repository = {
        id: stored?.id ?? this.#core.newId(),
        forge: given.forge,
        forgeRepositoryId: given.forgeRepositoryId ?? stored?.forgeRepositoryId,
        name: given.name,
        cloneUrl: given.cloneUrl,
        defaultBranch: given.defaultBranch ?? stored?.defaultBranch,
        sealedWebhookSecret: given.sealedWebhookSecret ?? stored?.sealedWebhookSecret,
        origin: given.origin,
        createdAt: stored?.createdAt ?? this.#core.now(),
      };
      this.#core.tables.repositories.set(row.id, row);
      if (looksDifferent(stored, row)) askLook(this.#core, row.id);
      else hurryLook(this.#core, row.id);
      return { ...row };
    });
  }

  list(): Promise<Repository[]> {
    return this.#core.transact(() =>
      [...this.#core.tables.repositories.values()].map((row) => ({ ...row })).sort(compareRepositories),
    );
  }

  resolve(forge: string, ref: { forgeRepositoryId: string; name: string }): Promise<Repository | undefined> {
    return this.#core.transact(() => {
      const rows = [...this.#core.tables.repositories.values()].filter((row) => row.forge === forge);
      const known = rows.find((row) => row.forgeRepositoryId === ref.forgeRepositoryId);
      const named = rows.find((row) => row.name === ref.name);
      const row = known ?? (named?.forgeRepositoryId === undefined ? named : undefined);
      if (row === undefined) {
        return undefined;
      }
      const name = named === undefined ? ref.name : row.name;
      const found = { ...row, forgeRepositoryId: ref.forgeRepositoryId, name };
      this.#core.tables.repositories.set(found.id, found);
      return { ...found };
    });
  }

  get(id: string): Promise<Repository | undefined> {
    return this.#core.transact(() => {
      const row = this.#core.tables.repositories.get(id);
      return row && { ...row };
    });
  }

  #byName(forge: string, name: string): Repository | undefined {
    return [...this.#core.tables.repositories.values()].find((row) => row.forge === forge && row.name === name);
  }
}
