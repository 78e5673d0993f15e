import { isRefusal, type Refusal } from '../../flow/index.js';
import { type MadeByRequest, REQUEST_KEPT_MS, type RequestKey, type RequestKeyStore } from '../port/index.js';
import { madeBefore } from '../projection/index.js';
import type { Core } from './core.js';

export class MemoryRequestKeys implements RequestKeyStore {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  find(request: RequestKey): Promise<MadeByRequest | undefined> {
    return this.#core.transact(() => madeBefore(request, this.#core.tables.requestKeys.get(request.key)));
  }

  forget(limit: number): Promise<number> {
    return this.#core.transact(() => {
      const { requestKeys } = this.#core.tables;
      const before = this.#core.now().getTime() - REQUEST_KEPT_MS;
      const old = [...requestKeys].filter(([, { at }]) => at.getTime() < before).slice(0, limit);
      for (const [key] of old) {
        requestKeys.delete(key);
      }
      return old.length;
    });
  }
}

/** See the same of PostgreSQL: what was made for a key is not made twice. */
export function onceForKey<Outcome extends MadeByRequest | Refusal>(
  core: Core,
  request: RequestKey | undefined,
  make: () => Outcome,
): { isNew: boolean; made: MadeByRequest } | Extract<Outcome, Refusal> {
  const { requestKeys } = core.tables;
  const before = request && madeBefore(request, requestKeys.get(request.key));
  if (before !== undefined) {
    return { isNew: false, made: before };
  }
  const made: MadeByRequest | Refusal = make();
  if (isRefusal(made)) {
    return made as Extract<Outcome, Refusal>;
  }
  if (request !== undefined) {
    requestKeys.set(request.key, { fingerprint: request.fingerprint, answer: made, at: core.now() });
  }
  return { isNew: true, made };
}
