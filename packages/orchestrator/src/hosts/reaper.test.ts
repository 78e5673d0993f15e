import type { HostStore } from '@solstice/common/store';
import { createLogger } from '@solstice/common/telemetry';
import { beforeEach, expect, test } from 'vitest';
import { Reaper } from './reaper.js';

type Sighting = Awaited<ReturnType<HostStore['renewals']>>[number];

let hosts: Sighting[];
let down: boolean;
let nowMs: number;
let reaped: string[];
let reaper: Reaper;

beforeEach(() => {
  hosts = [{ id: 'alder', instance: 'a', renewals: 1, hasLeases: true, session: 's' }];
  down = false;
  nowMs = 0;
  reaped = [];
  const store: Pick<HostStore, 'renewals' | 'reap'> = {
    renewals: async () => {
      if (down) throw new Error('no answer');
      return hosts;
    },
    reap: async (id, seen) => {
      reaped.push(`${id} ${seen.instance} ${seen.renewals}`);
      return 1;
    },
  };
  reaper = new Reaper({
    store,
    leaseMs: 30_000,
    clock: { now: () => new Date(nowMs), monotonicMs: () => nowMs },
    logger: createLogger({ level: 'silent' }),
  });
});

/** Looks every 5 s up to then, as a loop would. */
async function lookUntil(untilMs: number): Promise<void> {
  while (nowMs + 5_000 < untilMs) await lookAt(nowMs + 5_000);
  await lookAt(untilMs);
}

async function lookAt(ms: number): Promise<void> {
  nowMs = ms;
  await reaper.look();
}

test('a host is reaped once its counter has stood still for one full lease', async () => {
  await lookAt(0);
  await lookUntil(29_999);
  expect(reaped).toEqual([]);
  await lookAt(30_000);
  expect(reaped).toEqual(['alder a 1']);
});

test('a renewal, or another instance, starts the wait anew', async () => {
  await lookAt(0);
  await lookUntil(19_999);
  hosts = [{ id: 'alder', instance: 'a', renewals: 2, hasLeases: true, session: 's' }];
  await lookUntil(44_999);
  hosts = [{ id: 'alder', instance: 'b', renewals: 2, hasLeases: true, session: 's' }];
  await lookUntil(74_998);
  expect(reaped).toEqual([]);
  await lookUntil(80_000);
  expect(reaped).toEqual(['alder b 2']);
});

test('after a failed look it starts anew: it may have been cut off itself', async () => {
  await lookAt(0);
  await lookUntil(20_000);
  down = true;
  nowMs = 25_000;
  await expect(reaper.look()).rejects.toThrow('no answer');
  down = false;
  await lookAt(30_000);
  await lookUntil(59_999);
  expect(reaped).toEqual([]);
  await lookAt(60_000);
  expect(reaped).toHaveLength(1);
});

test('over another session with the database it starts anew: the store was away, for the hosts too', async () => {
  await lookAt(0);
  await lookUntil(20_000);
  hosts = [{ id: 'alder', instance: 'a', renewals: 1, hasLeases: true, session: 'another' }];
  await lookUntil(54_999);
  expect(reaped).toEqual([]);
  await lookAt(55_000);
  expect(reaped).toHaveLength(1);
});

test('after a look that came late it starts anew: what stopped it may have stopped the host', async () => {
  await lookAt(0);
  await lookAt(40_000);
  await lookUntil(69_999);
  expect(reaped).toEqual([]);
  await lookAt(70_000);
  expect(reaped).toHaveLength(1);
});

test('a host that holds nothing is left alone', async () => {
  hosts = [{ id: 'alder', instance: 'a', renewals: 1, hasLeases: false, session: 's' }];
  await lookAt(0);
  await lookUntil(100_000);
  expect(reaped).toEqual([]);
});
