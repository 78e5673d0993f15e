import { randomUUID } from 'node:crypto';
import { systemClock } from '@solstice/common/clock';
import { createMemoryStore } from '@solstice/common/store';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { OperatorClient } from '../client/client.js';
import { type Served, serve, World } from '../testing/index.js';

let nowMs: number;
let world: World;
let server: Served;
let client: OperatorClient;

beforeEach(async () => {
  nowMs = Date.UTC(2026, 0, 1);
  const clock = { now: () => new Date(nowMs) };
  world = new World(clock);
  server = await serve(world.store, { operator: { clock } });
  client = server.client;
  onTestFinished(() => server.close());
});

async function post(path: string, body?: object) {
  const response = await fetch(`${server.operatorUrl}/api/v1${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('a host', () => {
  test('is shown with its room, its load, its state, and what each worker is there for', async () => {
    await world.plan({ jobs: { build: [] } });
    const worker = await world.work();
    const load = { load1: 0.5, memoryFreeBytes: 3, diskFreeBytes: 4 };
    const renewal = { id: 'alder', instance: 'first', leaseMs: 30_000, holding: [], notes: ['Docker is away'], load };
    await world.store.hosts.renew(renewal);
    nowMs += 7_000;
    const host = await client.host('alder');
    expect(host).toMatchObject({
      id: 'alder',
      state: 'active',
      alive: true,
      load,
      leaseAgeMs: 7_000,
      notes: ['Docker is away'],
      reserved: { slots: 1 },
      workers: [{ id: worker.workerId, live: true, run: 1, job: 'build', attempt: 1, pool: '*' }],
    });
    await world.store.attempts.finish(worker.fence, { state: 'succeeded' });
    expect((await client.host('alder')).workers).toMatchObject([{ live: false, run: 1 }]);
    const { workers: _workers, ...listed } = await client.host('alder');
    expect(await client.hosts()).toEqual([listed]);
  });

  test('is drained, cordoned and resumed, with who, why and until when', async () => {
    await world.registerHost();
    const drained = await client.drain('alder', { by: 'ada', reason: 'a new disk', forMs: 600_000 });
    expect(drained).toMatchObject({
      state: 'draining',
      stateChange: { by: 'ada', reason: 'a new disk', at: '2026-01-01T00:00:00.000Z' },
      drainUntil: '2026-01-01T00:10:00.000Z',
    });
    expect(await client.status()).toMatchObject({ hosts: { alive: 1, draining: 1, cordoned: 0 } });
    expect(await client.cordon('alder')).toMatchObject({ state: 'cordoned', stateChange: { by: 'operator' } });
    expect(await client.host('alder')).not.toHaveProperty('drainUntil');
    expect(await client.resume('alder', { by: 'ada' })).toMatchObject({ state: 'active' });
    const { message } = (await world.store.outbox.peek(1))[0] ?? {};
    expect(message).toEqual({ kind: 'host', version: 1, hostId: 'alder' });
  });

  test.each(['show', 'drain', 'cordon', 'resume', 'remove'])(
    'that is not there: %s names those that are',
    async (what) => {
      await world.registerHost();
      const calls: Record<string, (id: string) => Promise<unknown>> = {
        show: (id) => client.host(id),
        drain: (id) => client.drain(id),
        cordon: (id) => client.cordon(id),
        resume: (id) => client.resume(id),
        remove: (id) => client.removeHost(id),
      };
      const hint = 'Did you mean alder? There is alder.';
      await expect(calls[what]?.('aldre')).rejects.toMatchObject({ code: 'not-found', hint });
      await expect(calls[what]?.('zzzzzzz')).rejects.toMatchObject({ code: 'not-found', hint: 'There is alder.' });
      if (what !== 'show') expect((await post(`/hosts/nobody/${what}`)).status).toBe(404);
    },
  );

  test('is forgotten when it is dead and holds nothing; else 409 with its state', async () => {
    await world.plan();
    const worker = await world.work();
    await client.cordon('alder');
    const alive = await post('/hosts/alder/remove');
    expect(alive).toMatchObject({ status: 409, body: { error: { code: 'refused', state: 'cordoned' } } });
    nowMs += 600_000;
    await expect(client.removeHost('alder')).rejects.toMatchObject({ code: 'refused', state: 'gone' });
    await worker.lose('the host is gone');
    await client.removeHost('alder');
    expect(await client.hosts()).toEqual([]);
    await expect(client.removeHost('alder')).rejects.toMatchObject({ hint: 'No host has registered yet.' });
  });

  test.each([
    ['/hosts/alder/drain', { forMs: -1 }, 'forMs'],
    ['/hosts/alder/drain', { forMs: 1e12 }, 'forMs'],
    ['/hosts/alder/drain', { until: 'noon' }, 'until'],
    ['/hosts/alder/cordon', { reason: 'two\nlines' }, 'reason'],
    ['/hosts/alder/cordon', { forMs: 1 }, 'forMs'],
  ])('%s with %j is not understood', async (path, body, where) => {
    await world.registerHost();
    const answer = await post(path, body);
    expect(answer).toMatchObject({ status: 400, body: { error: { message: expect.stringContaining(where) } } });
  });
});

describe('why a job waits', () => {
  test('is told by each host, as it stands now', async () => {
    await world.registerHost();
    await world.plan({ jobs: { build: [], test: ['build'] } });
    await client.cordon('alder', { by: 'ada', reason: 'a new disk' });
    const why = await client.why(1);
    expect(why.reasons).toMatchObject([
      {
        subject: 'job build',
        state: 'ready',
        hosts: [{ hostId: 'alder', reason: expect.stringContaining('is cordoned') }],
      },
      { subject: 'job test' },
      { subject: 'check solstice/ci' },
    ]);
    expect(why.reasons[1]).not.toHaveProperty('hosts');
    expect((await client.run(1)).nodes[0]?.hostAnswers).toEqual(why.reasons[0]?.hosts);
  });
});

describe('dead letters', () => {
  const letter = (body: string | Uint8Array) => ({
    queue: 'solstice.jobs.default.v1',
    routingKey: 'default',
    reason: 'version: Invalid input',
    body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
    at: new Date('2026-01-01T00:00:00.000Z'),
  });

  test('are listed, shown, replayed and dropped', async () => {
    const { deadLetters, outbox } = world.store;
    const host = { kind: 'host', version: 1, hostId: 'alder' };
    const { id } = await deadLetters.add(letter(JSON.stringify(host)));
    const odd = await deadLetters.add(letter(Uint8Array.of(0xff)));
    const list = await client.deadLetters({ limit: 1 });
    expect(list).toMatchObject({ total: 2, letters: [{ id: odd.id, bytes: 1, reason: 'version: Invalid input' }] });
    expect(list.letters[0]).not.toHaveProperty('body');
    expect(await client.status()).toMatchObject({ deadLetters: 2 });
    expect((await client.deadLetter(id)).body).toEqual({ encoding: 'utf8', text: JSON.stringify(host) });
    expect((await client.deadLetter(odd.id)).body).toEqual({ encoding: 'base64', text: '/w==' });
    await client.replayDeadLetter(id);
    expect((await outbox.peek(1))[0]?.message).toEqual(host);
    const refused = { code: 'refused', state: 'unreadable', message: expect.stringContaining('not JSON') };
    await expect(client.replayDeadLetter(odd.id)).rejects.toMatchObject(refused);
    expect((await post(`/dead-letters/${odd.id}/replay`)).status).toBe(409);
    await client.removeDeadLetter(odd.id);
    expect(await client.deadLetters()).toEqual({ total: 0, letters: [] });
    for (const call of [client.deadLetter, client.replayDeadLetter, client.removeDeadLetter]) {
      await expect(call(odd.id)).rejects.toMatchObject({ code: 'not-found', hint: 'ciadm dead list shows them.' });
    }
  });
});

describe('doctor', () => {
  const fleetItems = async () => (await client.doctor()).filter(({ name }) => name !== 'workers');

  test('looks at the fleet: nobody yet, then who lives, who is dead, which pools nobody serves, dead letters', async () => {
    expect(await fleetItems()).toMatchObject([{ name: 'hosts', state: 'warn' }]);
    await world.registerHost();
    const birch = { id: 'birch', keyHash: new Uint8Array(32), instance: 'b', pools: [], leaseMs: 30_000 };
    const capacity = { cpus: 1, memoryBytes: 1, slots: 1 };
    await world.store.hosts.register({ ...birch, capacity, notes: ['its disk is full'], version: '0.2.0' });
    await client.cordon('birch', { by: 'ada', reason: 'no room' });
    expect(await fleetItems()).toMatchObject([
      { name: 'host alder', state: 'ok', detail: expect.stringContaining('no Docker engine answers') },
      { name: 'host birch', state: 'ok', detail: expect.stringMatching(/cordoned by ada \(no room\).*disk is full/) },
      { name: 'versions', state: 'ok', detail: '0.2.0 on birch; unknown on alder' },
    ]);
    nowMs += 60_000;
    expect((await fleetItems())[1]).toMatchObject({
      state: 'warn',
      detail: expect.stringContaining('does not renew its lease for'),
      hint: expect.stringContaining('ciadm host remove birch'),
    });
    await world.plan();
    await client.cordon('alder');
    await world.store.deadLetters.add({
      queue: 'q',
      routingKey: '',
      reason: 'r',
      body: new Uint8Array(),
      at: new Date(1),
    });
    expect((await fleetItems()).slice(2)).toMatchObject([
      { name: 'pool default', state: 'warn', detail: expect.stringContaining('1 job waits') },
      { name: 'dead letters', state: 'warn', detail: '1 message could not be read' },
    ]);
  });

  test('says so when the store cannot be asked', async () => {
    const store = createMemoryStore({ clock: systemClock, idSource: randomUUID });
    const other = await serve(store);
    onTestFinished(() => other.close());
    await store.close();
    const items = await other.client.doctor();
    expect(items).toContainEqual({ name: 'fleet', state: 'fail', detail: 'the store was closed' });
  });
});
