import { SolsticeError, toError } from '@solstice/common/errors';
import type { Logger } from '@solstice/common/telemetry';
import { provisionFailure } from './provision-failure.js';

interface Lane {
  tail: Promise<unknown>;
  waiting: number;
  provisions: Set<AbortController>;
}

export interface ProvisionSteps<T> {
  /** What an earlier call, or an earlier process, made. */
  find(): Promise<T | undefined>;
  make(signal: AbortSignal): Promise<T>;
  /** Takes away whatever `make` left. */
  undo(): Promise<void>;
}

/**
 * One lane a worker id: provisions and destroys of one worker run one after the other, those of different workers
 * side by side. A destroy aborts the provisions before it, so that it wins; a provision that fails or is aborted
 * undoes what it made before it rejects.
 */
export class WorkerLanes {
  readonly #lanes = new Map<string, Lane>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  provision<T>(workerId: string, signal: AbortSignal, steps: ProvisionSteps<T>): Promise<T> {
    const overtaken = new AbortController();
    const either = AbortSignal.any([signal, overtaken.signal]);
    const lane = this.#lane(workerId);
    lane.provisions.add(overtaken);
    return this.#inTurn(workerId, async () => {
      try {
        throwIfAborted(workerId, either);
        const found = await steps.find();
        throwIfAborted(workerId, either);
        if (found !== undefined) return found;
        return await this.#make(workerId, either, steps);
      } finally {
        lane.provisions.delete(overtaken);
      }
    });
  }

  destroy(workerId: string, take: () => Promise<void>): Promise<void> {
    for (const provision of this.#lane(workerId).provisions) provision.abort(new Error('it was destroyed meanwhile'));
    return this.#inTurn(workerId, take);
  }

  async #make<T>(workerId: string, signal: AbortSignal, steps: ProvisionSteps<T>): Promise<T> {
    try {
      const made = await steps.make(signal);
      throwIfAborted(workerId, signal);
      return made;
    } catch (thrown) {
      await steps.undo().catch((error: unknown) => {
        this.#logger.error({ workerId, err: error }, 'worker could not be undone');
      });
      throwIfAborted(workerId, signal);
      throw provisionFailure(workerId, thrown);
    }
  }

  #lane(workerId: string): Lane {
    const existing = this.#lanes.get(workerId);
    if (existing !== undefined) return existing;
    const lane: Lane = { tail: Promise.resolve(), waiting: 0, provisions: new Set() };
    this.#lanes.set(workerId, lane);
    return lane;
  }

  async #inTurn<T>(workerId: string, work: () => Promise<T>): Promise<T> {
    const lane = this.#lane(workerId);
    lane.waiting += 1;
    const turn = lane.tail.then(work);
    lane.tail = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      lane.waiting -= 1;
      if (lane.waiting === 0) this.#lanes.delete(workerId);
    }
  }
}

function throwIfAborted(workerId: string, signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw new SolsticeError('worker-failed', `worker ${workerId} was not made: ${toError(signal.reason).message}`, {
    cause: signal.reason,
  });
}
