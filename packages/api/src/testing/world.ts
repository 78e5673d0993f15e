import { randomBytes, randomUUID } from 'node:crypto';
import { systemClock, type WallClock } from '@solstice/common/clock';
import type { AttemptResult, NodeSpec, RunSpec } from '@solstice/common/flow';
import {
  createMemoryStore,
  type Fence,
  type LogStreamName,
  type NewRun,
  type Repository,
  type RunnerRecord,
  type Store,
} from '@solstice/common/store';

export interface PlanOptions {
  workflow?: string;
  /** Job id to what it needs. */
  jobs?: Record<string, string[]>;
  /** Beside the jobs: gates, waits, branches. */
  nodes?: NodeSpec[];
  /** What conditions may read; the actor is whoever caused the run. */
  values?: RunSpec['values'];
  bundles?: RunSpec['bundles'];
  concurrency?: RunSpec['concurrency'];
  steps?: string[];
  ref?: string;
  title?: string;
  actor?: string;
}

const pool = { name: '*', backend: 'process' as const, image: undefined, cpus: 1, memoryBytes: 1 };
const capacity = { cpus: 64, memoryBytes: 2 ** 30, slots: 64 };

/** A store with a repository and a host, and the few moves that make runs go on: what a fleet would do. */
export class World {
  readonly store: Store;
  #repository: Promise<Repository> | undefined;
  #registered: Promise<unknown> | undefined;

  /** Without a store: one in memory. */
  constructor(clock: WallClock = systemClock, store?: Store) {
    this.store = store ?? createMemoryStore({ clock, idSource: randomUUID });
  }

  repository(): Promise<Repository> {
    this.#repository ??= this.store.repositories.upsert({
      forge: 'local',
      forgeRepositoryId: undefined,
      name: 'acme/app',
      cloneUrl: '/srv/git/app.git',
      defaultBranch: 'main',
      sealedWebhookSecret: undefined,
      origin: 'settings',
    });
    return this.#repository;
  }

  registerHost(): Promise<unknown> {
    this.#registered ??= this.store.hosts.register({
      id: 'alder',
      keyHash: new Uint8Array(32),
      instance: 'first',
      capacity,
      pools: [pool],
      notes: ['processes: no Docker engine answers'],
      leaseMs: 600_000,
    });
    return this.#registered;
  }

  async plan(options: PlanOptions = {}): Promise<{ id: string; number: number; pageKey: string }> {
    const { workflow = 'ci', jobs = { build: [] }, steps = ['Compile', 'Test'] } = options;
    const repository = await this.repository();
    const run: NewRun = {
      runId: randomUUID(),
      pageKey: randomBytes(16).toString('hex'),
      spec: {
        version: 1,
        workflow: { name: workflow, file: '.solstice/ci.kdl' },
        nodes: [
          ...Object.entries(jobs).map(([id, needs]) => ({
            kind: 'job' as const,
            id,
            name: id,
            runsOn: 'default',
            env: {},
            needs,
            steps: steps.map((name) => ({ name, env: {}, action: { kind: 'run' as const, script: 'true' } })),
          })),
          ...(options.nodes ?? []),
        ],
        ...(options.values && { values: options.values }),
        ...(options.bundles && { bundles: options.bundles }),
        ...(options.concurrency && { concurrency: options.concurrency }),
      },
      source: {
        repositoryId: repository.id,
        forge: repository.forge,
        repositoryName: repository.name,
        cloneUrl: repository.cloneUrl,
        ref: options.ref ?? 'refs/heads/main',
        commit: 'c0ffee'.padEnd(40, '0'),
        before: undefined,
        title: options.title ?? 'Change something',
      },
      trigger: { event: 'push', actor: options.actor ?? 'ada' },
      checkContext: `solstice/${workflow}`,
    };
    const planned = await this.store.runs.plan({
      deliveryId: undefined,
      runs: [run],
      failedChecks: [],
      outcome: { state: 'planned', reason: undefined },
    });
    const [first] = planned.runs;
    if (!first) throw new Error('the run was not planned');
    return first;
  }

  /** The oldest job that waits, on a worker that has begun. */
  async work(): Promise<Worker> {
    await this.registerHost();
    const workerId = randomUUID();
    const claim = await this.store.attempts.claim({
      hostId: 'alder',
      instance: 'first',
      requestId: randomUUID(),
      workerId,
      tokenHash: randomBytes(32),
      pools: [pool],
      capacity,
    });
    if (!claim) throw new Error('no job waits');
    await this.store.attempts.start(claim.fence);
    return new Worker(this.store, claim.fence, workerId);
  }
}

type Said = Omit<RunnerRecord, 'seq' | 'at'> extends infer Body ? Body : never;

/** Says what a runner would say, with the numbers in order. */
export class Worker {
  readonly fence: Fence;
  readonly workerId: string;
  readonly #store: Store;
  #seq = 0;

  constructor(store: Store, fence: Fence, workerId: string) {
    this.#store = store;
    this.fence = fence;
    this.workerId = workerId;
  }

  get seq(): number {
    return this.#seq;
  }

  async print(data: string | Uint8Array, stream: LogStreamName = 'stdout', step = 0): Promise<void> {
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
    await this.#record({ kind: 'log', step, stream, data: bytes } as Said);
  }

  async stepStarted(step: number): Promise<void> {
    await this.#record({ kind: 'step-started', step } as Said);
  }

  async stepFinished(step: number, exitCode = 0): Promise<void> {
    const result: AttemptResult =
      exitCode === 0
        ? { state: 'succeeded' }
        : { state: 'failed', cause: { kind: 'exit', step, stepName: 'Test', exitCode } };
    await this.#record({ kind: 'step-finished', step, result, exitCode } as Said);
  }

  async finish(result: AttemptResult = { state: 'succeeded' }): Promise<void> {
    await this.#store.attempts.finish(this.fence, result);
    await this.#store.attempts.releaseWorker(this.workerId);
  }

  async lose(detail: string): Promise<void> {
    await this.#store.attempts.lose(this.fence, detail);
    await this.#store.attempts.releaseWorker(this.workerId);
  }

  async #record(body: Said): Promise<void> {
    this.#seq += 1;
    await this.#store.attempts.record(this.fence, [{ ...body, seq: this.#seq, at: new Date() } as RunnerRecord]);
  }
}
