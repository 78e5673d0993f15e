import { createHash } from 'node:crypto';
import { SolsticeError } from '@solstice/common/errors';
import { createInProcessQueue, type Queue } from '@solstice/common/queue';
import type { HostLoad, PoolOffer, Store } from '@solstice/common/store';
import { createLogger } from '@solstice/common/telemetry';
import {
  type BackendFaults,
  createFakeBackend,
  type FakeBackend,
  FakeMachine,
} from '@solstice/workers/backends/testing';
import type { SessionHandler, SessionOwner } from '@solstice/workers/sessions';
import { type Orchestrator, startOrchestrator } from '../orchestrator.js';

const sha256 = (text: string | Uint8Array) => createHash('sha256').update(text).digest();
const logger = createLogger({ level: 'silent' });

export const pools: PoolOffer[] = [{ name: 'default', backend: 'process', image: undefined, cpus: 1, memoryBytes: 1 }];

export interface HostOptions {
  store: Store;
  queue?: Queue;
  machine?: FakeMachine;
  id?: string;
  /** Of its state directory. */
  key?: string;
  detachedForMs?: number;
  giveUp?: AbortSignal;
  /** Its socket opens once this has settled. Default: at once. */
  opening?: Promise<void>;
}

/**
 * A whole orchestrator over a store that others share, on a machine of its own. Its way to the store can be cut, or be
 * made to swallow calls; its process can be stopped as SIGSTOP would, by letting fake time pass while it is held.
 */
export class HostUnderTest {
  readonly id: string;
  readonly machine: FakeMachine;
  readonly faults: BackendFaults = {};
  readonly backend: FakeBackend;
  readonly crashes: Error[] = [];
  readonly load: HostLoad = { load1: 0.5, memoryFreeBytes: 2 ** 30, diskFreeBytes: 2 ** 40 };
  /** `refused`: each call fails. `silent`: none is answered, which the store notices after a minute. */
  link: 'up' | 'refused' | 'silent' = 'up';
  /** Calls that reached the store, since this was last emptied. */
  calls: string[] = [];
  orchestrator!: Orchestrator;
  readonly #options: HostOptions;
  #handler!: SessionHandler;

  constructor(options: HostOptions) {
    this.#options = options;
    this.id = options.id ?? 'alder';
    this.machine = options.machine ?? new FakeMachine();
    this.backend = createFakeBackend({ hostId: this.id, machine: this.machine, faults: this.faults });
  }

  async start(): Promise<this> {
    const {
      store,
      queue = createInProcessQueue({ logger }),
      key = `key of ${this.id}`,
      detachedForMs,
      giveUp,
      opening,
    } = this.#options;
    this.orchestrator = await startOrchestrator({
      store: {
        ...store,
        attempts: this.#linked('attempts', store.attempts),
        hosts: this.#linked('hosts', store.hosts),
      },
      queue,
      state: {
        path: '/state',
        workers: '/state/workers',
        mirrors: '/state/mirrors',
        runner: '/state/runner',
        sessions: '/state/sessions',
        keyHash: sha256(key),
        release: () => undefined,
      },
      backends: [this.backend],
      mirrors: {
        ensure: async () => ({ directory: '/mirror' }),
        directoryOf: () => '/mirror',
        archive: async function* () {},
      },
      host: { id: this.id, capacity: { cpus: 2, memoryBytes: 2 ** 30, slots: 2 }, pools, notes: [] },
      limits: { logCapBytes: 1, spoolCapBytes: 1, cancelGraceMs: 1 },
      ...(detachedForMs === undefined ? {} : { detachedForMs }),
      ...(giveUp === undefined ? {} : { giveUp }),
      logger,
      onCrash: (error) => this.crashes.push(error),
      readLoad: async () => ({ ...this.load }),
      openSessions: async (handler) => {
        this.#handler = handler;
        await opening;
        return { close: async () => undefined };
      },
    });
    return this;
  }

  /** The session of the newest worker's runner; its assignment has been fetched. */
  async running(): Promise<SessionOwner> {
    const owner = await this.dial();
    if (!owner) throw new Error('the runner was refused');
    if (!(await owner.assignment())) throw new Error('there is no assignment');
    return owner;
  }

  async dial(): Promise<SessionOwner | undefined> {
    const spec = [...this.machine.workers.values()].at(-1)?.spec;
    if (!spec) throw new Error('there is no worker');
    const { workerId, token } = spec;
    return this.#handler.open({ workerId, tokenHash: sha256(token), sessionHash: sha256('of the session') });
  }

  #linked<T extends object>(part: string, target: T): T {
    return new Proxy(target, {
      get: (_target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (...parameters: unknown[]) => {
          if (this.link === 'refused') {
            return Promise.reject(new SolsticeError('database-unavailable', 'no way to the database'));
          }
          if (this.link === 'silent') return unanswered();
          this.calls.push(`${part}.${String(name)}`);
          return Reflect.apply(value, target, parameters);
        };
      },
    });
  }
}

function unanswered(): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new SolsticeError('database-unavailable', 'no answer within a minute')), 60_000);
  });
}
