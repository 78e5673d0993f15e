import { createHash, randomUUID } from 'node:crypto';
import { systemClock } from '@solstice/common/clock';
import { createInProcessQueue } from '@solstice/common/queue';
import { assertReplays, createMemoryStore, type PoolOffer, type RunDetail, type Store } from '@solstice/common/store';
import { createLogger } from '@solstice/common/telemetry';
import type { WorkerSpec } from '@solstice/workers/backends';
import { type BackendFaults, createFakeBackend, FakeMachine } from '@solstice/workers/backends/testing';
import type { SessionOwner } from '@solstice/workers/sessions';
import { Attempts } from '../attempts/attempts.js';
import { Claimer } from '../claims/claimer.js';
import { reconcileWorkers } from '../hosts/adoption.js';
import { Intake } from '../hosts/intake.js';
import { planJob, runOf, statesOf } from './plan-job.js';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
const offer = { name: 'default', image: undefined, cpus: 1, memoryBytes: 1 };
const capacity = { cpus: 2, memoryBytes: 2 ** 30, slots: 2 };

/** The store, with some calls on attempts going another way. */
export function withAttempts(store: Store, calls: (attempts: Store['attempts']) => Partial<Store['attempts']>): Store {
  const other = calls(store.attempts);
  return { ...store, attempts: merged(store.attempts, other) };
}

function merged<T extends object>(target: T, other: Partial<T>): T {
  return new Proxy(target, {
    get(_target, name) {
      const key = name as keyof T;
      const value = other[key] ?? target[key];
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** One host over the memory store and the fake backend. `runner()` speaks for the runner of the newest worker. */
export class Stage {
  readonly store: Store;
  readonly machine: FakeMachine;
  readonly logger = createLogger({ level: 'silent' });
  readonly backend;
  readonly instance = randomUUID();
  readonly faults: BackendFaults;
  readonly attempts: Attempts;
  readonly claimer: Claimer;
  readonly pools: PoolOffer[];
  readonly intake: Intake;
  readonly crashes: Error[] = [];
  /** What its attempts believe of the host's lease. */
  readonly lease = {
    left: 20_000,
    steady: 3_600_000,
    exclusiveLeftMs: (): number => this.lease.left,
    heardForMs: (): number => this.lease.steady,
  };

  constructor(
    options: {
      store?: Store;
      machine?: FakeMachine;
      faults?: BackendFaults;
      poolBackend?: PoolOffer['backend'];
      wrap?: (store: Store) => Store;
    } = {},
  ) {
    const kind = options.poolBackend ?? 'process';
    this.pools = [{ ...offer, backend: kind }];
    this.intake = new Intake(this.pools, () => void this.claimer.look());
    this.store = options.store ?? createMemoryStore({ clock: systemClock, idSource: randomUUID });
    const seen = options.wrap?.(this.store) ?? this.store;
    this.machine = options.machine ?? new FakeMachine();
    this.faults = options.faults ?? {};
    this.backend = createFakeBackend({ kind, hostId: 'alder', machine: this.machine, faults: this.faults });
    this.attempts = new Attempts({
      store: seen.attempts,
      backends: new Map([[kind, this.backend]]),
      mirrors: {
        ensure: async () => ({ directory: '/mirror' }),
        directoryOf: () => '/mirror',
        archive: async function* () {},
      },
      sessionDirectory: '/session',
      limits: { logCapBytes: 1, spoolCapBytes: 1, cancelGraceMs: 1 },
      clocks: { bootMs: 60_000, returnMs: 5 * 60_000, cancelMs: 60_000, hangMs: 60_000 },
      lease: this.lease,
      detachedForMs: 15 * 60_000,
      logger: this.logger,
      onRoom: () => undefined,
    });
    this.claimer = new Claimer({
      store: seen.attempts,
      queue: createInProcessQueue({ logger: this.logger }),
      host: { id: 'alder', instance: this.instance, pools: this.pools, capacity },
      intake: this.intake,
      reserved: () => this.attempts.reserved(),
      everyMs: 3_600_000,
      onCrash: (error) => this.crashes.push(error),
      logger: this.logger,
      onClaim: (claim, token) => this.attempts.begin(claim, token),
    });
  }

  async register(): Promise<void> {
    await this.store.hosts.register({
      id: 'alder',
      keyHash: sha256(Buffer.from('the key of alder')),
      instance: this.instance,
      capacity,
      pools: this.pools,
      notes: [],
      leaseMs: 30_000,
    });
    await this.claimer.start();
  }

  /** One job, `build`, with one step. Gives the run's id. */
  plan(image?: string): Promise<string> {
    return planJob(this.store, image === undefined ? {} : { image });
  }

  run(runId: string): Promise<RunDetail> {
    return runOf(this.store, runId);
  }

  states(runId: string): Promise<string> {
    return statesOf(this.store, runId);
  }

  reconcile(): Promise<unknown> {
    return reconcileWorkers({
      store: this.store.attempts,
      hostId: 'alder',
      instance: this.instance,
      backends: [this.backend],
      logger: this.logger,
      attempts: this.attempts,
      claimer: this.claimer,
    });
  }

  /** The session of a worker's runner, opened with its token. */
  async dial(spec: WorkerSpec | undefined = this.backend.provisioned.at(-1)): Promise<SessionOwner | undefined> {
    if (!spec) throw new Error('no worker was made');
    return this.attempts.open({
      workerId: spec.workerId,
      tokenHash: sha256(spec.token),
      sessionHash: sha256(Buffer.from('secret of the session')),
    });
  }

  async check(): Promise<void> {
    await this.claimer.stop();
    expectNone(this.crashes);
    await assertReplays(this.store);
  }
}

function expectNone(crashes: readonly Error[]): void {
  const [first] = crashes;
  if (first) throw first;
}
