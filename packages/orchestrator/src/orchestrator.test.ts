import { randomUUID } from 'node:crypto';
import { systemClock } from '@solstice/common/clock';
import { SolsticeError } from '@solstice/common/errors';
import { createInProcessQueue } from '@solstice/common/queue';
import { assertReplays, createMemoryStore, type Store } from '@solstice/common/store';
import { createLogger } from '@solstice/common/telemetry';
import { FakeMachine } from '@solstice/workers/backends/testing';
import type { SessionOwner } from '@solstice/workers/sessions';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type HostOptions, HostUnderTest } from './testing/host-under-test.js';
import { planJob, runOf, statesOf } from './testing/plan-job.js';

let store: Store;
let hosts: HostUnderTest[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'] });
  store = createMemoryStore({ clock: systemClock, idSource: randomUUID });
  hosts = [];
});
afterEach(async () => {
  for (const host of hosts) {
    host.link = 'up';
    const stopped = host.orchestrator.stop();
    await passed(90_000);
    await stopped;
  }
  await assertReplays(store);
  vi.useRealTimers();
});

async function hostWith(options: Partial<HostOptions> = {}): Promise<HostUnderTest> {
  const host = new HostUnderTest({ store, ...options });
  hosts.push(host);
  return host.start();
}

const passed = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** Claimed on the next sweep, its worker made, its assignment sent. */
async function runningOn(host: HostUnderTest): Promise<SessionOwner> {
  await passed(7_000);
  return host.running();
}

const done = (seq = 1) => [{ seq, at: new Date(), kind: 'job-finished', result: { state: 'succeeded' } } as const];
const line = (seq: number) => [
  { seq, at: new Date(), kind: 'log', step: 0, stream: 'stdout', data: Buffer.from('x') } as const,
];
const causeOf = async (runId: string, attempt = 0) =>
  (await runOf(store, runId)).nodes[0]?.attempts[attempt]?.cause as { detail?: string } | undefined;

describe('a host that cannot reach the store', () => {
  test('lets ordinary work go on through an outage of minutes, and nothing is lost of it', async () => {
    const host = await hostWith();
    const runId = await planJob(store);
    const owner = await runningOn(host);
    host.link = 'refused';
    await passed(10 * 60_000);
    expect(host.machine.workers.size).toBe(1);
    await expect(owner.record(line(1))).rejects.toThrow('no way to the database');
    expect(host.orchestrator.health()).toMatchObject({ ok: false, detail: expect.stringContaining('failing since') });
    host.link = 'up';
    await passed(7_000);
    await (await host.dial())?.record(line(1));
    await owner.record(done(2));
    expect(await statesOf(store, runId)).toBe('succeeded: succeeded');
    await passed(10_000);
    expect(host.orchestrator.health()).toMatchObject({ ok: true });
  });

  test('kills it when that lasts too long, and says so when it can', async () => {
    const host = await hostWith({ detachedForMs: 60_000 });
    const runId = await planJob(store);
    await runningOn(host);
    host.link = 'silent';
    await passed(55_000);
    expect(host.machine.workers.size).toBe(1);
    await passed(7_000);
    expect(host.machine.workers.size).toBe(0);
    host.link = 'up';
    await passed(70_000);
    expect(await statesOf(store, runId)).toMatch(/^running: lost, /);
    expect((await causeOf(runId))?.detail).toContain('host alder could not renew its lease for 60 s');
  });

  test('destroys what was given to others meanwhile, whose words are refused', async () => {
    const host = await hostWith();
    const runId = await planJob(store);
    const owner = await runningOn(host);
    host.link = 'refused';
    const [seen] = await store.hosts.renewals();
    await store.hosts.reap('alder', seen ?? expect.fail());
    host.link = 'up';
    await expect(owner.record(line(1))).rejects.toMatchObject({ code: 'fence-lost' });
    await passed(7_000);
    const [first] = (await runOf(store, runId)).nodes[0]?.attempts ?? [];
    expect(first?.state).toBe('lost');
    expect([...host.machine.workers.values()].map(({ spec }) => spec.attemptId)).not.toContain(first?.id);
  });

  test('a job that ended in its time is not taken for hanging because nobody could be told', async () => {
    const host = await hostWith();
    const runId = await planJob(store, { timeoutMs: 60_000 });
    const owner = await runningOn(host);
    host.link = 'refused';
    await passed(5 * 60_000);
    host.link = 'up';
    await passed(7_000);
    await owner.record(done());
    expect(await statesOf(store, runId)).toBe('succeeded: succeeded');
  });
});

describe('exclusive work', () => {
  test.each(['refused', 'silent'] as const)('is dead before the lease is over (%s)', async (link) => {
    const host = await hostWith();
    const runId = await planJob(store, { exclusive: true });
    const owner = await runningOn(host);
    expect(owner.validForMs()).toBeGreaterThan(10_000);
    const cutAt = performance.now();
    const [before] = await store.hosts.list();
    host.link = link;
    while (host.machine.workers.size > 0) await passed(100);
    const leftMs = (before?.leaseUntil.getTime() ?? 0) - Date.now();
    expect(leftMs).toBeGreaterThan(9_000);
    expect(performance.now() - cutAt).toBeGreaterThan(10_000);
    expect(owner.validForMs()).toBe(0);
    // And the store has not heard of it: nobody else was given it while it lived.
    expect(await statesOf(store, runId)).toBe('running: running');
  });

  test('does not die of one exchange that is never answered', async () => {
    const host = await hostWith();
    await planJob(store, { exclusive: true });
    await runningOn(host);
    host.link = 'silent';
    await passed(6_000);
    host.link = 'up';
    await passed(40_000);
    expect(host.machine.workers.size).toBe(1);
  });

  test('lives as long as the lease is renewed; ordinary work beside it is left alone when it is not', async () => {
    const host = await hostWith();
    const exclusive = await planJob(store, { exclusive: true });
    await runningOn(host);
    const ordinary = await planJob(store);
    await runningOn(host);
    await passed(120_000);
    expect(host.machine.workers.size).toBe(2);
    host.link = 'refused';
    await passed(25_000);
    expect([...host.machine.workers.values()].map(({ spec }) => spec.attemptId)).toEqual([`${ordinary}/build/1`]);
    host.link = 'up';
    await passed(20_000);
    expect((await causeOf(exclusive))?.detail).toContain('exclusive work must not outlive it');
    expect(await statesOf(store, ordinary)).toBe('running: running');
  });

  test('is destroyed before its end is told', async () => {
    const host = await hostWith();
    const runId = await planJob(store, { exclusive: true, timeoutMs: 10_000 });
    await runningOn(host);
    let free = false;
    host.faults.destroy = () => (free ? undefined : new Error('the engine is busy'));
    await passed(90_000);
    expect(await statesOf(store, runId)).toBe('running: running');
    free = true;
    await passed(12_000);
    expect(await statesOf(store, runId)).toBe('failed: timed_out');
  });

  test('keeps its host’s name through an orderly end, until the lease runs out', async () => {
    const host = await hostWith();
    await planJob(store, { exclusive: true });
    await runningOn(host);
    await host.orchestrator.stop();
    expect((await store.hosts.list())[0]?.alive).toBe(true);
    expect(host.machine.workers.size).toBe(1);
  });
});

describe('draining', () => {
  test('claims stop at once; what runs may end', async () => {
    const host = await hostWith();
    const runId = await planJob(store);
    const owner = await runningOn(host);
    await store.hosts.setState('alder', { state: 'draining', by: 'mara', reason: 'new kernel' });
    const waiting = await planJob(store);
    await passed(60_000);
    expect(await statesOf(store, waiting)).toBe('queued: queued');
    expect((await store.hosts.list())[0]?.notes).toEqual(['no new work: host alder was drained by mara (new kernel)']);
    await owner.record(done());
    expect(await statesOf(store, runId)).toBe('succeeded: succeeded');
    await store.hosts.setState('alder', { state: 'active', by: 'mara' });
    await passed(12_000);
    expect(await statesOf(store, waiting)).toBe('queued: claimed');
    expect((await store.hosts.list())[0]?.notes).toEqual([]);
  });

  test('at its deadline the rest is handed back with the reason, and another host takes it', async () => {
    const host = await hostWith();
    const runId = await planJob(store);
    await runningOn(host);
    const other = await hostWith({ id: 'birch' });
    const drainUntil = new Date(Date.now() + 60_000);
    await store.hosts.setState('alder', { state: 'draining', by: 'mara', drainUntil });
    await passed(55_000);
    expect(await statesOf(store, runId)).toBe('running: running');
    await passed(20_000);
    expect((await causeOf(runId))?.detail).toBe('host alder was drained by mara');
    expect(host.machine.workers.size).toBe(0);
    expect([...other.machine.workers.values()].map(({ spec }) => spec.attemptId)).toEqual([`${runId}/build/2`]);
  });

  test('a deadline that passed while the process was away is kept by the next one', async () => {
    const host = await hostWith();
    const runId = await planJob(store);
    await runningOn(host);
    await host.orchestrator.stop();
    const drainUntil = new Date(Date.now() + 1_000);
    await store.hosts.setState('alder', { state: 'draining', by: 'mara', drainUntil });
    await passed(10_000);
    const next = await hostWith({ machine: host.machine });
    await passed(20_000);
    expect((await causeOf(runId))?.detail).toBe('host alder was drained by mara');
    expect(next.machine.workers.size).toBe(0);
  });

  test('a wish that comes with the last renewal of a process is for the next one: no clock of it goes on', async () => {
    const host = await hostWith();
    await planJob(store);
    await runningOn(host);
    let goOn: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const renew = store.hosts.renew.bind(store.hosts);
    const renewing = vi.spyOn(store.hosts, 'renew').mockImplementation(async (request) => {
      const answer = await renew(request);
      await held;
      return answer;
    });
    const drainUntil = new Date(Date.now() + 600_000);
    await store.hosts.setState('alder', { state: 'draining', by: 'mara', drainUntil });
    while (renewing.mock.calls.length === 0) await passed(500);
    const stopped = host.orchestrator.stop();
    await passed(0);
    goOn();
    await passed(0);
    await stopped;
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a host that was cordoned before its process came claims nothing', async () => {
    const first = await hostWith();
    await first.orchestrator.stop();
    await store.hosts.setState('alder', { state: 'cordoned', by: 'mara' });
    const runId = await planJob(store);
    const host = await hostWith();
    await passed(20_000);
    expect(host.calls).not.toContain('attempts.claim');
    expect(await statesOf(store, runId)).toBe('queued: queued');
  });
});

describe('the orderly end', () => {
  test('lets go: the same attempt goes on under the next process', async () => {
    const host = await hostWith();
    const runId = await planJob(store);
    const owner = await runningOn(host);
    await owner.record(line(1));
    await host.orchestrator.stop();
    const next = await hostWith({ machine: host.machine });
    await expect(owner.record(line(2))).rejects.toThrow('let go');
    const again = await next.dial();
    expect(again?.durableSeq).toBe(1);
    await again?.record(line(2));
    await again?.record(done(3));
    expect(await statesOf(store, runId)).toBe('succeeded: succeeded');
    expect((await store.logs.read(`${runId}/build/1`, { afterSeq: 0, limit: 10 })).map(({ seq }) => seq)).toEqual([
      1, 2,
    ]);
  });

  test('drains: nothing new, what runs is waited for', async () => {
    const host = await hostWith();
    const runId = await planJob(store);
    const owner = await runningOn(host);
    const stopped = vi.fn();
    void host.orchestrator.stop({ drainForMs: 600_000 }).then(stopped);
    const waiting = await planJob(store);
    await passed(120_000);
    expect(stopped).not.toHaveBeenCalled();
    // It is still the host: its lease is renewed, and what its runners say is stored.
    expect((await store.hosts.list())[0]).toMatchObject({
      alive: true,
      notes: ['no new work: its process is stopping'],
    });
    await owner.record(done());
    await passed(5_000);
    expect(stopped).toHaveBeenCalled();
    expect(await statesOf(store, runId)).toBe('succeeded: succeeded');
    expect(await statesOf(store, waiting)).toBe('queued: queued');
  });

  test('what outlasts the drain is handed back', async () => {
    const host = await hostWith();
    const runId = await planJob(store);
    await runningOn(host);
    const stopped = host.orchestrator.stop({ drainForMs: 60_000 });
    await passed(70_000);
    await stopped;
    expect(await statesOf(store, runId)).toBe('running: lost, queued');
    expect((await causeOf(runId))?.detail).toBe('host alder was stopped, and its work took longer than 60 s');
    expect(host.machine.workers.size).toBe(0);
  });

  test('a later wish to let go ends the drain', async () => {
    const host = await hostWith();
    const runId = await planJob(store);
    await runningOn(host);
    const stopped = host.orchestrator.stop({ drainForMs: 600_000 });
    await passed(1_000);
    await host.orchestrator.stop('let-go');
    await stopped;
    expect(host.machine.workers.size).toBe(1);
    expect(await statesOf(store, runId)).toBe('running: running');
  });

  test.each(['refused', 'silent'] as const)('gives its start up when told to, with the store %s', async (link) => {
    const telling = new AbortController();
    const host = new HostUnderTest({ store, giveUp: telling.signal });
    host.link = link;
    let outcome: unknown;
    const starting = host.start().catch((error: unknown) => {
      outcome = error;
    });
    await passed(20_000);
    expect(outcome).toBeUndefined();
    telling.abort();
    await passed(10_000);
    expect(outcome).toMatchObject({ name: 'AbortError' });
    await starting;
    host.link = 'up';
    await passed(60_000);
    expect((await store.hosts.list()).filter(({ alive }) => alive)).toEqual([]);
  });

  test('ends also while the store is away', async () => {
    const host = await hostWith();
    await planJob(store);
    const owner = await runningOn(host);
    host.link = 'refused';
    const telling = owner.record(done()).catch((error: Error) => error.message);
    await passed(1_000);
    const stopped = host.orchestrator.stop();
    await passed(10_000);
    await stopped;
    expect(await telling).toContain('let go');
    expect(host.machine.workers.size).toBe(1);
  });
});

describe('a process that was replaced', () => {
  test('says so and touches nothing: neither the store nor its workers', async () => {
    const host = await hostWith();
    const runId = await planJob(store);
    const owner = await runningOn(host);
    await owner.record(line(1));
    // Stopped, as by SIGSTOP, for longer than its lease; another machine has taken the name over.
    vi.setSystemTime(Date.now() + 40_000);
    const usurper = await hostWith({ key: 'another' });
    await runningOn(usurper);
    expect(await statesOf(store, runId)).toBe('running: lost, running');
    host.calls = [];
    await passed(120_000);
    expect(host.crashes.map((error) => (error as { code?: string }).code)).toContain('host-replaced');
    expect(host.calls.filter((call) => !/renew|claim$/.test(call))).toEqual([]);
    await expect(owner.record(line(2))).rejects.toThrow();
    // Not even a worker that ends is its business any more.
    for (const id of host.machine.workers.keys()) host.backend.end(id);
    await passed(10_000);
    expect(host.calls.filter((call) => !/renew|claim$/.test(call))).toEqual([]);
    expect(host.machine.workers.size).toBe(1);
    const stopped = host.orchestrator.stop({ drainForMs: 60_000 });
    await passed(1_000);
    await stopped;
    expect(host.calls).not.toContain('hosts.leave');
    expect(host.machine.workers.size).toBe(1);
    expect(usurper.machine.workers.size).toBe(1);
    expect(await statesOf(store, runId)).toBe('running: lost, running');
  });

  test('a process that was stopped for a minute and still has the host goes on', async () => {
    const host = await hostWith();
    const runId = await planJob(store);
    const owner = await runningOn(host);
    // Nothing of it ran meanwhile: all its timers are due at once.
    vi.setSystemTime(Date.now() + 60_000);
    await passed(20_000);
    await owner.record(done());
    expect(await statesOf(store, runId)).toBe('succeeded: succeeded');
    expect(host.crashes).toEqual([]);
  });
});

describe('what the machine has left', () => {
  test('a disk that is nearly full stops new work, with the reason, until there is room again', async () => {
    const host = await hostWith();
    host.load.diskFreeBytes = 300 * 1024 * 1024;
    await passed(13_000);
    const runId = await planJob(store);
    await passed(30_000);
    expect(await statesOf(store, runId)).toBe('queued: queued');
    expect((await store.hosts.list())[0]).toMatchObject({
      load: { diskFreeBytes: 300 * 1024 * 1024 },
      notes: ['no new work: its disk has 300 MiB left, and 640 MiB are needed'],
    });
    // A little more is not enough: it would go back and forth.
    host.load.diskFreeBytes = 520 * 1024 * 1024;
    await passed(30_000);
    expect(await statesOf(store, runId)).toBe('queued: queued');
    host.load.diskFreeBytes = 700 * 1024 * 1024;
    await passed(20_000);
    expect(await statesOf(store, runId)).toBe('queued: claimed');
    expect((await store.hosts.list())[0]?.notes).toEqual([]);
  });

  test('a backend that does not answer gets no work, and what runs is left alone', async () => {
    const host = await hostWith();
    const running = await planJob(store);
    const owner = await runningOn(host);
    host.faults.problems = () => ['the Docker engine does not answer'];
    await passed(13_000);
    const runId = await planJob(store);
    await passed(30_000);
    expect(await statesOf(store, runId)).toBe('queued: queued');
    expect((await store.hosts.list())[0]?.notes).toEqual([
      'no new work for backend process: the Docker engine does not answer',
    ]);
    await owner.record(done());
    expect(await statesOf(store, running)).toBe('succeeded: succeeded');
    delete host.faults.problems;
    await passed(20_000);
    expect(await statesOf(store, runId)).toBe('queued: claimed');
  });
});

test('its bell has it look at its row at once', async () => {
  const queue = createInProcessQueue({ logger: createLogger({ level: 'silent' }) });
  const host = await hostWith({ queue });
  const runId = await planJob(store);
  const owner = await runningOn(host);
  const said: string[] = [];
  const nothing = () => undefined;
  const control = { cancel: (reason: string) => said.push(reason), dismiss: nothing };
  const services = { servicesReady: nothing, serviceFailed: nothing };
  owner.connected({ ...control, ...services }, { watchdog: true, policies: true, conditions: true });
  await store.runs.command(runId, { kind: 'cancel', by: 'ada', reason: 'typo' });
  await queue.publish([{ message: { kind: 'host', version: 1, hostId: 'alder' } }]);
  await passed(0);
  expect(said).toEqual(['typo']);
});

test('a job’s own resources are what its worker gets', async () => {
  const host = await hostWith();
  await planJob(store, { resources: { cpus: 2, memoryBytes: 4096 } });
  await passed(7_000);
  expect(host.backend.provisioned[0]).toMatchObject({ cpus: 2, memoryBytes: 4096 });
  expect(host.orchestrator.load().reserved).toEqual({ cpus: 2, memoryBytes: 4096, slots: 1 });
});

describe('a runner that was taken over', () => {
  /** Its job has no clock at all, and the process that supervised it has gone. */
  async function takenOver(): Promise<{ host: HostUnderTest; runId: string }> {
    const { machine, runId } = await leftRunning();
    return { host: await hostWith({ machine }), runId };
  }

  async function leftRunning(): Promise<{ machine: FakeMachine; runId: string }> {
    const machine = new FakeMachine();
    const first = await hostWith({ machine });
    const runId = await planJob(store);
    await runningOn(first);
    const stopped = first.orchestrator.stop();
    await passed(1_000);
    await stopped;
    return { machine, runId };
  }

  test('is lost when it does not come back in time, and its job runs again', async () => {
    const { host, runId } = await takenOver();
    await passed(4.5 * 60_000);
    expect(await statesOf(store, runId)).toBe('running: running');
    await passed(60_000);
    expect(await causeOf(runId)).toMatchObject({
      kind: 'lost',
      detail: 'its runner did not come back within 300 s after its host had taken it over',
    });
    expect((await runOf(store, runId)).nodes[0]?.attempts.map(({ state }) => state)).toEqual(['lost', 'claimed']);
    expect(host.machine.workers.size).toBe(1);
  });

  test('goes on for as long as it likes when it does', async () => {
    const { host, runId } = await takenOver();
    const owner = await host.dial();
    const control = { cancel: () => undefined, dismiss: () => undefined };
    const services = { servicesReady: () => undefined, serviceFailed: () => undefined };
    owner?.connected({ ...control, ...services }, { watchdog: true, policies: true, conditions: true });
    await passed(60 * 60_000);
    await owner?.record(done());
    expect(await statesOf(store, runId)).toBe('succeeded: succeeded');
  });

  test('is not lost while nobody could let it in', async () => {
    const { host, runId } = await takenOver();
    host.link = 'refused';
    await passed(10 * 60_000);
    host.link = 'up';
    await passed(60_000);
    expect(await statesOf(store, runId)).toBe('running: running');
  });

  test('is not lost while the socket that it dials is not open yet', async () => {
    const { machine, runId } = await leftRunning();
    let open = () => {};
    const opening = new Promise<void>((resolve) => {
      open = resolve;
    });
    const started = hostWith({ machine, opening });
    await passed(10 * 60_000);
    expect(await statesOf(store, runId)).toBe('running: running');
    open();
    await started;
    await passed(4.5 * 60_000);
    expect(await statesOf(store, runId)).toBe('running: running');
    await passed(6 * 60_000);
    expect(await causeOf(runId)).toMatchObject({ kind: 'lost' });
  });

  test('finds the socket open although something else on the host cannot be cleared away', async () => {
    const { machine, runId } = await leftRunning();
    const [stays] = [...machine.workers.values()];
    if (stays === undefined) throw new Error('there is no worker');
    const spec = { ...stays.spec, workerId: 'w-stray', attemptId: 'of/another/1' };
    machine.workers.set(spec.workerId, { ...stays, spec, end: () => undefined });
    const host = new HostUnderTest({ store, machine });
    hosts.push(host);
    host.faults.destroy = (id) =>
      id === 'w-stray' ? new SolsticeError('worker-failed', 'a step left a mount that cannot be taken off') : undefined;
    await host.start();
    await passed(5_000);
    expect(host.orchestrator.health()).toMatchObject({ ok: false, detail: expect.stringContaining('a mount') });
    expect(await statesOf(store, runId)).toBe('running: running');
    delete host.faults.destroy;
    await passed(60_000);
    expect([...machine.workers.keys()]).toEqual([stays.spec.workerId]);
    expect(host.orchestrator.health()).toMatchObject({ ok: true });
  });
});
