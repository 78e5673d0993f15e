import { createHash, randomUUID } from 'node:crypto';
import type { Cause, GateSpec, JobSpec, NodeSpec, RunSpec, WaitSpec } from '../../flow/index.js';
import type {
  Capacity,
  Claim,
  ClaimRequest,
  CommandOutcome,
  Delivery,
  Fence,
  HostRecord,
  NewDelivery,
  NewRun,
  PoolOffer,
  Repository,
  RunDetail,
  RunnerRecord,
  SourceRef,
  Store,
} from '../port/index.js';

/** What an adapter brings to the contract. */
export interface StoreUnderTest {
  store: Store;
  /** Another process's way to the same truth. The same object where there can be only one. */
  other: Store;
  /** Moves the store's clock on by at least this much. Time may also pass by itself. */
  advance(ms: number): Promise<void>;
  /** Lets go of everything, stores included. */
  close(): Promise<void>;
}

export const LEASE_MS = 30_000;

export function job(id: string, needs: string[] = [], more: Partial<JobSpec> = {}): JobSpec {
  const steps: JobSpec['steps'] = [
    { name: 'Build', env: {}, action: { kind: 'run', script: 'make' } },
    { name: 'Test', env: {}, action: { kind: 'script', path: 'ci/test.sh' } },
  ];
  return { kind: 'job', id, name: id, runsOn: 'default', env: {}, needs, steps, ...more };
}

export function wait(id: string, forMs: number, needs: string[] = [], more: Partial<WaitSpec> = {}): WaitSpec {
  return { kind: 'wait', id, name: id, needs, forMs, ...more };
}

export function gate(id: string, needs: string[] = [], more: Partial<GateSpec> = {}): GateSpec {
  return { kind: 'gate', id, name: id, needs, approvers: [], count: 1, inputs: [], ...more };
}

export function spec(...nodes: NodeSpec[]): RunSpec {
  return { version: 1, workflow: { name: 'ci', file: '.solstice/ci.kdl' }, nodes };
}

export function offer(name: string, more: Partial<PoolOffer> = {}): PoolOffer {
  return { name, backend: 'process', image: undefined, cpus: 1, memoryBytes: 1_000_000, ...more };
}

export function hashOf(text: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(text).digest());
}

export const exit3: Cause = { kind: 'exit', step: 1, stepName: 'Test', exitCode: 3 };

/** Log records numbered from `from`, one for each text. */
export function lines(from: number, ...texts: string[]): RunnerRecord[] {
  return texts.map((text, index) => ({
    seq: from + index,
    at: new Date(1_700_000_000_000 + from + index),
    kind: 'log',
    step: 0,
    stream: 'stdout',
    data: new TextEncoder().encode(text),
  }));
}

/** A host as its process sees it. */
export class TestHost {
  readonly id: string;
  readonly instance: string;
  readonly store: Store;
  readonly pools: PoolOffer[];
  readonly capacity: Capacity;

  constructor(store: Store, id: string, instance: string, pools: PoolOffer[], capacity: Capacity) {
    this.store = store;
    this.id = id;
    this.instance = instance;
    this.pools = pools;
    this.capacity = capacity;
  }

  request(more: Partial<ClaimRequest> = {}): ClaimRequest {
    const workerId = more.workerId ?? randomUUID();
    return {
      hostId: this.id,
      instance: this.instance,
      requestId: randomUUID(),
      workerId,
      tokenHash: hashOf(`token of ${workerId}`),
      pools: this.pools,
      capacity: this.capacity,
      ...more,
    };
  }

  tryClaim(more: Partial<ClaimRequest> = {}): Promise<Claim | undefined> {
    return this.store.attempts.claim(this.request(more));
  }

  async claim(): Promise<Claim> {
    const claim = await this.tryClaim();
    if (claim === undefined) {
      throw new Error(`host ${this.id} got nothing to do`);
    }
    return claim;
  }

  async start(): Promise<Claim> {
    const claim = await this.claim();
    happened(await this.store.attempts.start(claim.fence));
    return claim;
  }

  /** Claims, starts and ends one attempt, and takes its worker away. */
  async work(state: 'succeeded' | 'failed' = 'succeeded'): Promise<Claim> {
    const claim = await this.start();
    await this.finish(claim.fence, state);
    await this.store.attempts.releaseWorker(claim.workerId);
    return claim;
  }

  async finish(fence: Fence, state: 'succeeded' | 'failed' = 'succeeded'): Promise<void> {
    const result = state === 'failed' ? { state, cause: exit3 } : { state };
    happened(await this.store.attempts.finish(fence, result));
  }

  renew(holding: string[] = []): ReturnType<Store['hosts']['renew']> {
    return this.store.hosts.renew({ id: this.id, instance: this.instance, leaseMs: LEASE_MS, holding, notes: [] });
  }
}

/** Throws when it was refused. */
export function happened<Outcome extends CommandOutcome>(outcome: Outcome): Exclude<Outcome, { refused: true }> {
  if ('refused' in outcome) {
    throw new Error(`refused: ${outcome.reason} (${outcome.state})`);
  }
  return outcome as Exclude<Outcome, { refused: true }>;
}

/** A store with what tests need every time: a repository, runs, hosts. */
export class Scene {
  readonly under: StoreUnderTest;
  #repository: Promise<Repository> | undefined;
  #count = 0;

  constructor(under: StoreUnderTest) {
    this.under = under;
  }

  get store(): Store {
    return this.under.store;
  }

  repository(): Promise<Repository> {
    this.#repository ??= this.store.repositories.upsert(newRepository('octo/app'));
    return this.#repository;
  }

  async source(more: Partial<SourceRef> = {}): Promise<SourceRef> {
    const repository = await this.repository();
    this.#count += 1;
    return {
      repositoryId: repository.id,
      forge: repository.forge,
      repositoryName: repository.name,
      cloneUrl: repository.cloneUrl,
      ref: 'refs/heads/main',
      commit: this.#count.toString(16).padStart(40, '0'),
      before: undefined,
      title: 'Mend the roof',
      ...more,
    };
  }

  async newRun(runSpec: RunSpec, more: Partial<NewRun> = {}): Promise<NewRun> {
    return {
      runId: randomUUID(),
      pageKey: randomUUID(),
      spec: runSpec,
      source: await this.source(),
      trigger: { event: 'push', actor: 'mara' },
      checkContext: `solstice/${runSpec.workflow.name}`,
      ...more,
    };
  }

  /** Plans one run of these jobs and gives its id. */
  async plan(...nodes: NodeSpec[]): Promise<string> {
    const run = await this.newRun(spec(...nodes));
    await this.planRuns(run);
    return run.runId;
  }

  planRuns(...runs: NewRun[]): ReturnType<Store['runs']['plan']> {
    return this.store.runs.plan({
      deliveryId: undefined,
      runs,
      failedChecks: [],
      outcome: { state: 'planned', reason: undefined },
    });
  }

  async newDelivery(more: Partial<NewDelivery> = {}): Promise<NewDelivery> {
    const repository = await this.repository();
    this.#count += 1;
    const after = this.#count.toString(16).padStart(40, 'a');
    return {
      forge: repository.forge,
      forgeDeliveryId: randomUUID(),
      eventName: 'push',
      repositoryId: repository.id,
      event: {
        kind: 'forge.push.v1',
        repository: { forgeRepositoryId: '7', name: repository.name },
        ref: 'refs/heads/main',
        before: '0'.repeat(40),
        after,
        created: false,
        deleted: false,
        forced: false,
        pusher: { login: 'mara' },
      },
      reason: undefined,
      twinKey: `${repository.id} push ${after}`,
      body: new TextEncoder().encode('{"ref":"refs/heads/main"}'),
      ...more,
    };
  }

  async deliver(more: Partial<NewDelivery> = {}): Promise<Delivery> {
    return (await this.store.deliveries.accept(await this.newDelivery(more))).delivery;
  }

  /** Registers a host with room for ten jobs of pool `default`, unless told otherwise. */
  async host(
    id = 'alder',
    more: { pools?: PoolOffer[]; capacity?: Capacity; instance?: string; key?: string; store?: Store } = {},
  ): Promise<TestHost> {
    const store = more.store ?? this.store;
    const host = new TestHost(
      store,
      id,
      more.instance ?? randomUUID(),
      more.pools ?? [offer('default')],
      more.capacity ?? { cpus: 10, memoryBytes: 100_000_000, slots: 10 },
    );
    await this.register(host, more.key);
    return host;
  }

  register(host: TestHost, key = `key of ${host.id}`): Promise<HostRecord> {
    const { id, instance, capacity, pools } = host;
    return host.store.hosts.register({
      ...{ id, instance, capacity, pools },
      keyHash: hashOf(key),
      notes: [],
      leaseMs: LEASE_MS,
      machine: `machine of ${key}`,
    });
  }

  async run(runId: string): Promise<RunDetail> {
    const run = await this.store.runs.find({ id: runId });
    if (run === undefined) {
      throw new Error(`there is no run ${runId}`);
    }
    return run;
  }

  async nodeStates(runId: string): Promise<Record<string, string>> {
    return Object.fromEntries((await this.run(runId)).nodes.map((node) => [node.id, node.state]));
  }

  async waitingFor(runId: string, nodeId: string): Promise<string | undefined> {
    return (await this.run(runId)).nodes.find((node) => node.id === nodeId)?.waitingFor;
  }

  /** Everything in the outbox, which is empty afterwards. */
  async drainOutbox(): Promise<Awaited<ReturnType<Store['outbox']['peek']>>[number]['message'][]> {
    const waiting = await this.store.outbox.peek(10_000);
    await this.store.outbox.remove(waiting.map((entry) => entry.id));
    return waiting.map((entry) => entry.message);
  }

  async logText(attemptId: string): Promise<string> {
    const chunks = await this.store.logs.read(attemptId, { afterSeq: 0, limit: 10_000 });
    return Buffer.concat(chunks.map((chunk) => chunk.data)).toString();
  }
}

export function newRepository(name: string, more: Partial<Repository> = {}): Omit<Repository, 'id' | 'createdAt'> {
  return {
    forge: 'forge',
    forgeRepositoryId: undefined,
    name,
    cloneUrl: `https://forge.example/${name}.git`,
    defaultBranch: undefined,
    sealedWebhookSecret: undefined,
    origin: 'settings',
    ...more,
  };
}
