import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '@solstice/embedded-postgres';
import { Client } from 'pg';
import { systemClock } from '../../clock/index.js';
import { checkOf, decide, effects, evolveAll, isRefusal, type RunFlow, type RunSpec } from '../../flow/index.js';
import { createLogger } from '../../telemetry/index.js';
import { job, newRepository, offer, Scene, spec, type TestHost } from '../contract/scene.js';
import { createMemoryStore } from '../memory/memory-store.js';
import type { Store } from '../port/index.js';
import { migrate } from '../postgres/migrate.js';
import { createPostgresStore } from '../postgres/postgres-store.js';

// `pnpm bench`: what a run costs as it grows. Each figure is a median, beside a baseline measured in the same run.

const SIZES = [100, 300, 1_000, 3_000];
const ROUNDS = 7;
const COMMANDS = 150;

/** Layers of ten jobs; each needs two of the layer before it. */
function layered(size: number, pool = 'default'): RunSpec {
  const nodes = Array.from({ length: size }, (_, index) =>
    job(`n${index}`, index < 10 ? [] : [`n${index - 10}`, `n${index - 1 - (index % 10)}`], { runsOn: pool }),
  );
  return { ...spec(...nodes), workflow: { name: randomUUID(), file: 'ci.kdl' } };
}

/** The least that anybody has to do to bring a graph in order. */
function sortTopologically(runSpec: RunSpec): number {
  const open = new Map(runSpec.nodes.map((node) => [node.id, node.needs.length]));
  const dependents = new Map<string, string[]>();
  for (const node of runSpec.nodes) {
    for (const need of node.needs) dependents.set(need, [...(dependents.get(need) ?? []), node.id]);
  }
  const order = runSpec.nodes.filter(({ needs }) => needs.length === 0).map(({ id }) => id);
  for (const id of order) {
    for (const dependent of dependents.get(id) ?? []) {
      const left = (open.get(dependent) ?? 0) - 1;
      open.set(dependent, left);
      if (left === 0) order.push(dependent);
    }
  }
  return order.length;
}

/** Plans it and plays every job to its end, with all that a store asks of the engine. */
function runInEngine(runSpec: RunSpec): void {
  const ready: string[] = [];
  let run: RunFlow | undefined;
  const say = (command: Parameters<typeof decide>[1]): void => {
    const events = decide(run, command, 0);
    if (isRefusal(events)) throw new Error(events.reason);
    run = evolveAll(run, events);
    effects(run, events);
    checkOf(run, { pageKey: '' });
    for (const event of events) if (event.kind === 'attempt.queued') ready.push(event.attemptId);
  };
  say({ kind: 'plan', runId: 'r', spec: runSpec });
  for (const attemptId of ready) {
    say({ kind: 'claim', attemptId, hostId: 'h', workerId: attemptId, requestId: attemptId });
    say({ kind: 'start', attemptId });
    say({ kind: 'finish', attemptId, result: { state: 'succeeded' } });
  }
  if (run?.state !== 'succeeded') throw new Error(`the run is ${run?.state}`);
}

async function runInMemoryStore(runSpec: RunSpec): Promise<void> {
  const store = createMemoryStore({ clock: systemClock, idSource: randomUUID });
  const scene = sceneOf(store);
  const host = await scene.host('bench', { capacity: { cpus: 1e6, memoryBytes: 1e15, slots: 1e6 } });
  await scene.planRuns(await scene.newRun(runSpec));
  for (let left = runSpec.nodes.length; left > 0; left -= 1) await host.work();
  await store.close();
}

function sceneOf(store: Store): Scene {
  return new Scene({ store, other: store, advance: async () => undefined, close: () => store.close() });
}

async function timeMs(work: () => unknown): Promise<number> {
  const beganMs = performance.now();
  await work();
  return performance.now() - beganMs;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

const row = (...cells: string[]): void => console.log(cells.map((cell) => cell.padStart(15)).join(''));

async function inMemory(): Promise<void> {
  console.log('\nA graph planned and run in memory, instant jobs: microseconds a node (medians)\n');
  row('nodes', 'sorting alone', 'engine', 'engine/sorting', 'memory store');
  const specs = SIZES.map((size) => layered(size));
  const samples = specs.map(() => ({ sort: [] as number[], engine: [] as number[], store: [] as number[] }));
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [index, runSpec] of specs.entries()) {
      // The specification anew, so that nothing that was computed of it before helps.
      const fresh = structuredClone(runSpec);
      const sort = await timeMs(() => sortTopologically(fresh));
      const engine = await timeMs(() => runInEngine(fresh));
      const store = await timeMs(() => runInMemoryStore(structuredClone(runSpec)));
      if (round === 0) continue; // The compiler's.
      samples[index]?.sort.push(sort);
      samples[index]?.engine.push(engine);
      samples[index]?.store.push(store);
    }
  }
  const perNode = samples.map(({ sort, engine, store }, index) => {
    const each = 1_000 / (SIZES[index] ?? 1);
    return { sort: median(sort) * each, engine: median(engine) * each, store: median(store) * each };
  });
  for (const [index, { sort, engine, store }] of perNode.entries()) {
    row(String(SIZES[index]), sort.toFixed(2), engine.toFixed(1), (engine / sort).toFixed(0), store.toFixed(1));
  }
  const [first, last] = [perNode[0], perNode.at(-1)];
  if (first === undefined || last === undefined) return;
  console.log(
    `\nA node of 3,000 costs ${(last.engine / first.engine).toFixed(2)} times what one of 100 does in the engine, ` +
      `${(last.store / first.store).toFixed(2)} times in the memory store (1: linear).`,
  );
}

/** Takes the next job of its pool to its end, and says what each command took. */
async function playTimed(host: TestHost): Promise<Record<string, number>> {
  const { attempts } = host.store;
  let claim = await host.tryClaim();
  const again = claim;
  if (again === undefined) throw new Error('nothing to claim');
  const start = await timeMs(() => attempts.start(again.fence));
  const finish = await timeMs(() => attempts.finish(again.fence, { state: 'succeeded' }));
  await attempts.releaseWorker(again.workerId);
  const next = await timeMs(async () => {
    claim = await host.tryClaim();
  });
  if (claim === undefined) return { start, finish };
  await attempts.start(claim.fence);
  await attempts.finish(claim.fence, { state: 'succeeded' });
  await attempts.releaseWorker(claim.workerId);
  return { start, finish, claim: next };
}

async function againstPostgres(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'solstice-bench-'));
  // PostgreSQL does not run as root.
  await chmod(directory, 0o711);
  // A disk's fsync would hide what the commands themselves cost.
  const settings = { fsync: 'off', synchronous_commit: 'off' };
  const server = await startEmbeddedPostgres({ dataDirectory: join(directory, 'postgres'), settings });
  try {
    await migrate(server.url);
    const store = await createPostgresStore({ url: server.url, logger: createLogger({ level: 'silent' }) });
    const client = new Client({ connectionString: server.url });
    await client.connect();
    await commandsBySize(store, client);
    await client.end();
    await store.close();
  } finally {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function commandsBySize(store: Store, client: Client): Promise<void> {
  const scene = sceneOf(store);
  await store.repositories.upsert(newRepository('octo/app'));
  const capacity = { cpus: 100, memoryBytes: 1e9, slots: 100 };
  const hostOf = (pool: string): Promise<TestHost> => scene.host(pool, { pools: [offer(pool)], capacity });
  const [small, large] = [await hostOf('small'), await hostOf('large')];
  await scene.planRuns(await scene.newRun(layered(1_000, 'large')));
  const times = { small: new Map<string, number[]>(), large: new Map<string, number[]>() };
  const note = (into: Map<string, number[]>, said: Record<string, number>): void => {
    for (const [name, ms] of Object.entries(said)) into.set(name, [...(into.get(name) ?? []), ms]);
  };
  const baseline: number[] = [];
  // In turns, so that whatever else the machine does hits both.
  for (let count = 0; count < COMMANDS; count += 1) {
    if (count % 5 === 0) await scene.planRuns(await scene.newRun(layered(10, 'small')));
    note(times.small, await playTimed(small));
    note(times.large, await playTimed(large));
    baseline.push(await timeMs(() => client.query('begin; update runs set seq = seq where false; commit')));
  }
  const base = median(baseline);
  console.log('\nA command against PostgreSQL: milliseconds (medians), and times an empty transaction\n');
  row('command', 'run of 10', 'run of 1,000', 'ratio', 'empty', '1,000/empty');
  for (const name of ['claim', 'start', 'finish']) {
    const [a, b] = [median(times.small.get(name) ?? []), median(times.large.get(name) ?? [])];
    row(name, a.toFixed(2), b.toFixed(2), (b / a).toFixed(2), base.toFixed(2), (b / base).toFixed(1));
  }
}

await inMemory();
await againstPostgres();
