import { SolsticeError } from '@solstice/common/errors';
import type { Handler, Subscription } from '@solstice/common/queue';
import type { Capacity, Claim, PoolOffer } from '@solstice/common/store';
import { createLogger } from '@solstice/common/telemetry';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Claimer } from './claimer.js';

const pool = (name: string, cpus: number): PoolOffer => ({
  name,
  backend: 'process',
  image: undefined,
  cpus,
  memoryBytes: 1,
});
const pools = [pool('small', 1), pool('large', 4)];
const capacity: Capacity = { cpus: 4, memoryBytes: 100, slots: 2 };

let open: PoolOffer[];
let taken: Capacity;
let waiting: number;
let failure: Error | undefined;
let bells: Map<string, { ring: Handler; listening: boolean }>;
let crashes: string[];
let claimer: Claimer;

beforeEach(async () => {
  open = pools;
  taken = { cpus: 0, memoryBytes: 0, slots: 0 };
  waiting = 0;
  failure = undefined;
  bells = new Map();
  crashes = [];
  claimer = new Claimer({
    store: {
      claim: async () => {
        if (failure) throw failure;
        if (waiting === 0) return undefined;
        waiting -= 1;
        return { fence: { attemptId: 'r/a/1' }, workerId: 'w' } as Claim;
      },
    },
    queue: { subscribe: async (subscription, handler) => subscribe(subscription, handler) },
    host: { id: 'alder', instance: 'i', pools, capacity },
    intake: { pools: () => open },
    reserved: () => taken,
    logger: createLogger({ level: 'silent' }),
    onClaim: () => {
      taken = { cpus: taken.cpus + 1, memoryBytes: taken.memoryBytes + 1, slots: taken.slots + 1 };
    },
    onCrash: (error) => crashes.push(error.message),
    everyMs: 3_600_000,
  });
  await claimer.start();
  await claimer.look();
});
afterEach(() => claimer.stop());

function subscribe(subscription: Subscription, ring: Handler) {
  if (subscription.kind !== 'job') throw new Error('misuse');
  const bell = { ring, listening: true };
  bells.set(subscription.pool, bell);
  const listen = (listening: boolean) => async () => {
    bell.listening = listening;
  };
  return { pause: listen(false), resume: listen(true), cancel: listen(false) };
}

const listening = () => [...bells].filter(([, bell]) => bell.listening).map(([name]) => name);

async function ring(name: string): Promise<void> {
  await bells.get(name)?.ring({ kind: 'job', version: 1, pool: name, attemptId: 'r/a/1' }, {});
}

test('one subscription a pool; a bell is dealt with once the work is claimed', async () => {
  expect(listening()).toEqual(['small', 'large']);
  waiting = 1;
  await ring('small');
  expect(waiting).toBe(0);
});

test('the bells of a pool that there is no room for are left to others, until there is room again', async () => {
  waiting = 1;
  await ring('small');
  expect(listening()).toEqual(['small']);
  waiting = 1;
  await ring('small');
  expect(listening()).toEqual([]);
  taken = { cpus: 0, memoryBytes: 0, slots: 0 };
  await claimer.look();
  expect(listening()).toEqual(['small', 'large']);
});

test('a host that takes nothing neither asks nor listens', async () => {
  open = [];
  waiting = 1;
  await claimer.look();
  expect(waiting).toBe(1);
  expect(listening()).toEqual([]);
  open = pools;
  await claimer.look();
  expect(waiting).toBe(0);
});

test('an error of a claim is told and tried again; being replaced ends it', async () => {
  failure = new TypeError('a bug');
  await claimer.look();
  expect(claimer.health()).toMatchObject({ ok: false, detail: expect.stringContaining('a bug') });
  failure = undefined;
  await claimer.look();
  expect(claimer.health().ok).toBe(true);
  failure = new SolsticeError('host-replaced', 'replaced');
  await claimer.look();
  expect(crashes).toEqual(['replaced']);
});
