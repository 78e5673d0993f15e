import { describe, expect, it } from 'vitest';
import { hashOf, job, LEASE_MS, lines, offer, type Scene } from './scene.js';

export function describeHosts(scene: () => Scene): void {
  describe('hosts', () => {
    it('register, and are listed with what they offer', async () => {
      const pools = [offer('default', { backend: 'container', image: 'debian:12', cpus: 2 }), offer('*')];
      const capacity = { cpus: 8, memoryBytes: 2 ** 40, slots: 4 };
      await scene().host('birch');
      const host = await scene().host('alder', { pools, capacity, instance: 'i1' });
      const [first, second] = await scene().store.hosts.list();
      expect(second?.id).toBe('birch');
      expect(first).toMatchObject({
        id: 'alder',
        instance: 'i1',
        state: 'active',
        capacity,
        pools,
        reserved: { cpus: 0, memoryBytes: 0, slots: 0 },
        notes: [],
        alive: true,
      });
      await host.store.hosts.renew({
        id: 'alder',
        instance: 'i1',
        leaseMs: LEASE_MS,
        holding: [],
        notes: ['Docker does not answer'],
      });
      expect((await scene().store.hosts.list())[0]?.notes).toEqual(['Docker does not answer']);
      await scene().under.advance(LEASE_MS);
      expect((await scene().store.hosts.list()).map((one) => one.alive)).toEqual([false, false]);
      await host.renew();
      expect((await scene().store.hosts.list()).map((one) => one.alive)).toEqual([true, false]);
    });

    it('keep their name from a stranger while they live, and while another asks at once', async () => {
      const host = await scene().host('alder');
      await expect(scene().host('alder', { key: 'stranger' })).rejects.toMatchObject({
        code: 'host-name-taken',
        message: expect.stringContaining('on machine of key of alder'),
      });
      await host.renew();
      const racers = await Promise.allSettled(
        Array.from({ length: 20 }, (_, index) => scene().host('cedar', { key: `key ${index}` })),
      );
      expect(racers.filter((racer) => racer.status === 'fulfilled')).toHaveLength(1);
    });

    it('lose all to the machine that takes a dead one’s name', async () => {
      const host = await scene().host('alder');
      const runId = await scene().plan(job('a'));
      const claim = await host.start();
      await scene().under.advance(LEASE_MS);
      const heir = await scene().host('alder', { key: 'another machine' });
      expect((await scene().run(runId)).nodes[0]?.attempts[0]).toMatchObject({
        state: 'lost',
        cause: { kind: 'lost', hostId: 'alder' },
      });
      expect(await scene().store.attempts.workers('alder')).toEqual([]);
      await expect(host.renew()).rejects.toMatchObject({ code: 'host-replaced' });
      await expect(scene().store.attempts.start(claim.fence)).rejects.toMatchObject({ code: 'fence-lost' });
      await scene().under.advance(1_000);
      expect((await heir.claim()).attemptNumber).toBe(2);
    });

    it('are taken over with the same key, while alive, and keep their work', async () => {
      const old = await scene().host('alder', { instance: 'old' });
      await scene().plan(job('a'));
      await scene().plan(job('b'));
      const [a, b] = [await old.start(), await old.claim()];
      const young = await scene().host('alder', { instance: 'new' });
      await expect(old.renew()).rejects.toMatchObject({ code: 'host-replaced' });
      await scene().store.hosts.leave('alder', 'old');
      expect((await scene().store.hosts.list())[0]).toMatchObject({ instance: 'new', alive: true });
      expect(
        (await scene().store.attempts.workers('alder')).map((worker) => [worker.attemptLive, worker.epoch]),
      ).toEqual([
        [true, 2],
        [true, 2],
      ]);
      const answer = await young.renew([a.fence.attemptId]);
      expect(answer).toMatchObject({ cancel: [], gone: [], unknown: [b.fence.attemptId] });
      await scene().host('alder', { instance: 'newer' });
      expect((await scene().store.attempts.claimOf(a.workerId))?.fence).toMatchObject({ instance: 'newer', epoch: 3 });
    });

    it('hear in the exchange what to cancel, what is gone, and what they do not know', async () => {
      const host = await scene().host();
      const runs = [await scene().plan(job('a')), await scene().plan(job('b')), await scene().plan(job('c'))];
      const [a, b, c] = [await host.start(), await host.start(), await host.start()];
      await scene().store.runs.command(runs[0] ?? '', { kind: 'cancel', by: 'mara', reason: 'wrong branch' });
      await scene().store.attempts.lose(b.fence, 'gone');
      const answer = await host.renew([a.fence.attemptId, b.fence.attemptId, 'r/never/1']);
      expect(answer.cancel).toEqual([{ attemptId: a.fence.attemptId, by: 'mara', reason: 'wrong branch' }]);
      expect(answer.gone).toEqual([b.fence.attemptId, 'r/never/1']);
      expect(answer.unknown).toEqual([c.fence.attemptId]);
      // Asking again answers the same: a lost reply costs nothing.
      expect(await host.renew([a.fence.attemptId, b.fence.attemptId, 'r/never/1'])).toEqual({
        ...answer,
        now: expect.any(Date),
      });
      await expect(
        scene().store.hosts.renew({ id: 'nobody', instance: 'x', leaseMs: LEASE_MS, holding: [], notes: [] }),
      ).rejects.toMatchObject({ code: 'host-replaced' });
    });

    it('are reaped only if nothing was renewed since', async () => {
      const { hosts } = scene().store;
      const host = await scene().host();
      const runId = await scene().plan(job('a'), job('b'));
      const claim = await host.start();
      await host.claim();
      await scene().store.attempts.record(claim.fence, lines(1, 'one\n'));
      const [seen] = await hosts.renewals();
      expect(seen).toMatchObject({ id: 'alder', instance: host.instance, hasLeases: true });
      expect((await hosts.renewals())[0]?.session).toBe(seen?.session);
      if (seen === undefined) {
        expect.fail();
      }
      await host.renew([]);
      expect(await hosts.reap('alder', seen)).toBe(0);
      const [newer] = await hosts.renewals();
      expect(newer?.renewals).toBeGreaterThan(seen.renewals);
      expect(await hosts.reap('alder', { ...(newer ?? seen), instance: 'another' })).toBe(0);
      expect(await hosts.reap('nobody', seen)).toBe(0);
      const counts = await Promise.all(Array.from({ length: 10 }, () => hosts.reap('alder', newer ?? seen)));
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(2);
      const run = await scene().run(runId);
      expect(run.nodes.map((node) => node.attempts.map((attempt) => attempt.state))).toEqual([
        ['lost', 'queued'],
        ['lost', 'queued'],
      ]);
      expect(run.nodes[0]?.attempts[1]?.avoidHosts).toEqual(['alder']);
      expect(await scene().logText(claim.fence.attemptId)).toContain('host alder did not renew its lease');
      expect((await hosts.renewals())[0]).toMatchObject({ hasLeases: false });
      await expect(scene().store.attempts.record(claim.fence, lines(2, 'two\n'))).rejects.toMatchObject({
        code: 'fence-lost',
      });
      // The host itself was only late: it hears what is gone, and gives the room back when it is.
      const answer = await host.renew([claim.fence.attemptId]);
      expect(answer).toMatchObject({ gone: [claim.fence.attemptId], unknown: [] });
      expect((await hosts.list())[0]?.reserved.slots).toBe(2);
    });

    it('fail a job after three losses in all, and end its run', async () => {
      const host = await scene().host();
      const runId = await scene().plan(job('a'), job('b', ['a']));
      for (let attempt = 1; attempt <= 3; attempt += 1) {
        await host.start();
        const [seen] = await scene().store.hosts.renewals();
        expect(await scene().store.hosts.reap('alder', seen ?? expect.fail())).toBe(1);
        await scene().under.advance(5_000);
        await host.renew();
      }
      expect(await host.tryClaim()).toBeUndefined();
      expect(await scene().nodeStates(runId)).toEqual({ a: 'failed', b: 'skipped' });
      expect(await scene().run(runId)).toMatchObject({ state: 'failed' });
      const [check] = await scene().store.checks.list({ runId, limit: 1 });
      expect(check?.desired.state).toBe('error');
    });

    it('leave in order: no more claims, workers kept for the next process', async () => {
      const host = await scene().host();
      await scene().plan(job('a'));
      await scene().plan(job('b'));
      const claim = await host.start();
      await scene().store.hosts.leave('alder', host.instance);
      await scene().store.hosts.leave('alder', host.instance);
      await scene().store.hosts.leave('nobody', host.instance);
      expect((await scene().store.hosts.list())[0]).toMatchObject({ alive: false, reserved: { slots: 1 } });
      expect(await host.tryClaim()).toBeUndefined();
      await scene().host('alder', { instance: 'next' });
      expect(await scene().store.attempts.claimOf(claim.workerId)).toMatchObject({
        fence: { epoch: 2 },
        started: true,
      });
    });

    it('know a worker’s key hash by its bytes', async () => {
      await scene().host('alder', { key: 'one' });
      const record = await scene().store.hosts.register({
        id: 'alder',
        instance: 'two',
        keyHash: Buffer.from(hashOf('one')),
        capacity: { cpus: 1, memoryBytes: 1, slots: 1 },
        pools: [],
        notes: [],
        leaseMs: LEASE_MS,
      });
      expect(record).toMatchObject({ instance: 'two', capacity: { slots: 1 }, pools: [] });
    });
  });
}
