import { describe, expect, it } from 'vitest';
import { job, offer, type Scene } from './scene.js';

const mebi = 1_000_000;

export function describeMeasures(scene: () => Scene): void {
  describe('measures', () => {
    const measures = () => scene().under.other.measures();

    it('are nothing where nothing is', async () => {
      expect(await measures()).toEqual({
        pools: [],
        hosts: [],
        outbox: { messages: 0, oldestAgeMs: undefined },
        deliveries: { due: 0, postponed: 0, oldestAgeMs: undefined },
        checks: [],
        deadLetters: 0,
      });
    });

    it('count what waits by pool, and the hosts that could take it', async () => {
      await scene().plan(job('a'), job('b'), job('later', ['a']), job('c', [], { runsOn: 'gpu' }));
      await scene().under.advance(60_000);
      await scene().plan(job('d'));
      const host = await scene().host('alder', { pools: [offer('default'), offer('idle')] });
      const [first, gpu, idle] = (await measures()).pools;
      expect(first).toMatchObject({ pool: 'default', queued: 3, liveHosts: 1 });
      expect(first?.oldestAgeMs).toBeGreaterThanOrEqual(60_000);
      expect(gpu).toMatchObject({ pool: 'gpu', queued: 1, liveHosts: 0 });
      expect(idle).toEqual({ pool: 'idle', queued: 0, oldestAgeMs: undefined, liveHosts: 1 });
      for (let count = 0; count < 3; count += 1) await host.claim();
      expect((await measures()).pools[0]).toEqual({
        pool: 'default',
        queued: 0,
        oldestAgeMs: undefined,
        liveHosts: 1,
      });
      // A host for everything serves what nobody else does, and adds no pool of its own.
      await scene().host('birch', { pools: [offer('*')] });
      expect((await measures()).pools.map(({ pool, liveHosts }) => [pool, liveHosts])).toEqual([
        ['default', 1],
        ['gpu', 1],
        ['idle', 1],
      ]);
    });

    it('tell of hosts: lease, state, and what they have given away', async () => {
      const capacity = { cpus: 4, memoryBytes: 8 * mebi, slots: 2 };
      const host = await scene().host('alder', { capacity });
      await scene().plan(job('a'));
      const claim = await host.start();
      await scene().under.advance(4_000);
      const [before] = (await measures()).hosts;
      expect(before).toMatchObject({ id: 'alder', state: 'active', alive: true, heldAttempts: 1, capacity });
      expect(before?.reserved).toEqual({ cpus: 1, memoryBytes: mebi, slots: 1 });
      expect(before?.renewalAgeMs).toBeGreaterThanOrEqual(4_000);
      await host.renew([claim.fence.attemptId]);
      expect((await measures()).hosts[0]?.renewalAgeMs).toBeLessThan(4_000);
      // The attempt has ended; its worker is still there.
      await host.finish(claim.fence);
      expect((await measures()).hosts[0]).toMatchObject({ heldAttempts: 0, reserved: { slots: 1 } });
      await scene().store.attempts.releaseWorker(claim.workerId);
      await scene().under.advance(60_000);
      expect((await measures()).hosts[0]).toMatchObject({
        alive: false,
        reserved: { cpus: 0, memoryBytes: 0, slots: 0 },
      });
      expect((await measures()).pools).toEqual([]);
    });

    it('tell of deliveries that are not planned yet', async () => {
      const { deliveries, outbox } = scene().store;
      const first = await scene().deliver();
      const second = await scene().deliver();
      await scene().deliver({ event: undefined, reason: 'not used' });
      await scene().under.advance(5_000);
      const later = new Date(second.receivedAt.getTime() + 600_000);
      await deliveries.postpone(second.id, 'the forge is away', later);
      const both = await measures();
      expect(both.deliveries).toMatchObject({ due: 1, postponed: 1 });
      expect(both.deliveries.oldestAgeMs).toBeGreaterThanOrEqual(5_000);
      expect(both.outbox.messages).toBe(2);
      expect(both.outbox.oldestAgeMs).toBeGreaterThanOrEqual(5_000);
      await deliveries.settle(first.id, 'ignored', 'nothing to do');
      await scene().drainOutbox();
      const one = await measures();
      expect(one.deliveries).toMatchObject({ due: 0, postponed: 1 });
      expect(one.outbox).toEqual({ messages: 0, oldestAgeMs: undefined });
      expect(await outbox.peek(1)).toEqual([]);
      await scene().under.advance(600_000);
      expect((await measures()).deliveries).toMatchObject({ due: 1, postponed: 0 });
    });

    it('tell of checks that a forge has not taken, and of dead letters', async () => {
      const { checks, deadLetters } = scene().store;
      await scene().plan(job('a'));
      await scene().plan(job('a'));
      expect((await measures()).checks).toEqual([{ forge: 'forge', pending: 2, failing: 0 }]);
      const [one, two] = await checks.lease({ limit: 2, leaseMs: 60_000 });
      await checks.failed(one?.id ?? '', 'the forge answered 502', new Date(0), one?.lease ?? 0);
      expect((await measures()).checks).toEqual([{ forge: 'forge', pending: 2, failing: 1 }]);
      await checks.sent(two?.id ?? '', two?.desiredVersion ?? 0, two?.lease ?? 0);
      expect((await measures()).checks).toEqual([{ forge: 'forge', pending: 1, failing: 1 }]);
      await deadLetters.add({
        queue: 'q',
        routingKey: 'k',
        reason: 'no JSON',
        body: new Uint8Array([1]),
        at: new Date(),
      });
      expect((await measures()).deadLetters).toBe(1);
    });
  });
}
