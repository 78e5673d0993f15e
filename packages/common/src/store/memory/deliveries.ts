import type { Delivery, DeliveryState, DeliveryStore, NewDelivery } from '../port/index.js';
import { twinReason } from '../projection/index.js';
import type { Core } from './core.js';
import { type DeliveryRow, keyOf } from './tables.js';

export class MemoryDeliveries implements DeliveryStore {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  accept(given: NewDelivery): Promise<{ kind: 'accepted' | 'duplicate'; delivery: Delivery }> {
    return this.#core.transact(() => acceptDelivery(this.#core, given));
  }

  get(id: string): Promise<Delivery | undefined> {
    return this.#core.transact(() => {
      const row = this.#core.tables.deliveries.get(id);
      return row && view(row);
    });
  }

  list(filter: { state?: DeliveryState; limit: number }): Promise<Delivery[]> {
    return this.#core.transact(() =>
      [...this.#core.tables.deliveries.values()]
        .filter((row) => filter.state === undefined || row.state === filter.state)
        .reverse()
        .slice(0, filter.limit)
        .map(view),
    );
  }

  due(limit: number): Promise<Delivery[]> {
    return this.#core.transact(() => {
      const now = this.#core.now();
      return [...this.#core.tables.deliveries.values()]
        .filter((row) => row.state === 'received' && (row.nextTryAt === undefined || row.nextTryAt <= now))
        .slice(0, limit)
        .map(view);
    });
  }

  settle(id: string, state: 'ignored' | 'failed', reason: string): Promise<boolean> {
    return this.#core.transact(() => this.#change(id, { state, reason, nextTryAt: undefined }));
  }

  postpone(id: string, reason: string, nextTryAt: Date): Promise<boolean> {
    return this.#core.transact(() => {
      const tries = (this.#core.tables.deliveries.get(id)?.tries ?? 0) + 1;
      return this.#change(id, { reason, nextTryAt, tries });
    });
  }

  #change(id: string, change: Partial<DeliveryRow>): boolean {
    const row = this.#core.tables.deliveries.get(id);
    if (row?.state !== 'received') {
      return false;
    }
    this.#core.tables.deliveries.set(id, { ...row, ...change });
    return true;
  }
}

/** With its wake-up. */
export function acceptDelivery(core: Core, given: NewDelivery): { kind: 'accepted' | 'duplicate'; delivery: Delivery } {
  const { tables } = core;
  const key = keyOf(given.forge, given.forgeDeliveryId);
  const known = tables.deliveries.get(tables.deliveryKeys.get(key) ?? '');
  if (known !== undefined) {
    return { kind: 'duplicate', delivery: view(known) };
  }
  const twin = firstOf(core, given);
  const ignored = given.event === undefined || twin !== undefined;
  const row: DeliveryRow = {
    id: core.newDeliveryId(),
    forge: given.forge,
    forgeDeliveryId: given.forgeDeliveryId,
    eventName: given.eventName,
    repositoryId: given.repositoryId,
    event: given.event,
    state: ignored ? 'ignored' : 'received',
    reason: twin === undefined ? given.reason : twinReason(twin.id),
    tries: 0,
    nextTryAt: undefined,
    receivedAt: core.now(),
    runIds: [],
    twinKey: given.twinKey,
    body: given.body.slice(),
    ...(given.trace !== undefined && { trace: given.trace }),
  };
  tables.deliveries.set(row.id, row);
  tables.deliveryKeys.set(key, row.id);
  if (!ignored && given.event !== undefined) {
    const { event } = given;
    core.send([{ kind: 'delivery', version: 2, deliveryId: row.id, forge: row.forge, event }], given.trace);
  }
  return { kind: 'accepted', delivery: view(row) };
}

function firstOf(core: Core, given: NewDelivery): DeliveryRow | undefined {
  if (given.twinKey === undefined) {
    return undefined;
  }
  return [...core.tables.deliveries.values()].find((row) => row.forge === given.forge && row.twinKey === given.twinKey);
}

function view({ twinKey: _twinKey, body: _body, ...delivery }: DeliveryRow): Delivery {
  return { ...delivery, runIds: [...delivery.runIds] };
}
