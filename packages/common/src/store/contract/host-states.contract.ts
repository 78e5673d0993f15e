import { describe, expect, it } from 'vitest';
import type { HostState } from '../port/index.js';
import { job, LEASE_MS, type Scene } from './scene.js';

const states: readonly HostState[] = ['active', 'cordoned', 'draining'];

/** What operators do to hosts. */
export function describeHostStates(scene: () => Scene): void {
  const only = async () => (await scene().store.hosts.list())[0];

  describe('the state of a host', () => {
    it('is what an operator set, with who, why, when and until when; the host hears it with its next renewal', async () => {
      const host = await scene().host('alder');
      expect(await host.renew()).toMatchObject({ state: 'active', drainUntil: undefined });
      expect(await only()).not.toHaveProperty('stateChange');
      await scene().drainOutbox();
      const drainUntil = new Date('2030-01-01T00:00:00.000Z');
      const wish = { state: 'draining', by: 'mara', reason: 'a new disk', drainUntil } as const;
      const set = await scene().store.hosts.setState('alder', wish);
      expect(set).toMatchObject({ state: 'draining', drainUntil, stateChange: { by: 'mara', reason: 'a new disk' } });
      expect(await scene().drainOutbox()).toEqual([{ kind: 'host', version: 1, hostId: 'alder' }]);
      expect(await host.renew()).toMatchObject({ state: 'draining', drainUntil });
      const { stateChange } = (await only()) ?? {};
      expect(stateChange?.at).toEqual(set.stateChange?.at);
      // The same again is no change, and says nothing.
      await scene().store.hosts.setState('alder', wish);
      const { reason: _none, ...silent } = wish;
      await scene().store.hosts.setState('alder', silent);
      expect((await only())?.stateChange).toEqual(stateChange);
      expect(await scene().drainOutbox()).toEqual([]);
      // Another deadline is one.
      const patient = await scene().store.hosts.setState('alder', { state: 'draining', by: 'ada' });
      expect(patient).toMatchObject({ state: 'draining', stateChange: { by: 'ada' } });
      expect(patient).not.toHaveProperty('drainUntil');
      expect(patient.stateChange).not.toHaveProperty('reason');
      await scene().store.hosts.setState('alder', wish);
      // Or a time from now, by the store's clock.
      const soon = await scene().store.hosts.setState('alder', { state: 'draining', by: 'ada', drainForMs: 60_000 });
      expect(soon.drainUntil?.getTime()).toBe((soon.stateChange?.at.getTime() ?? 0) + 60_000);
      expect(await scene().store.hosts.setState('alder', { state: 'active', by: 'ada' })).not.toHaveProperty(
        'drainUntil',
      );
      expect(await host.renew()).toMatchObject({ state: 'active', drainUntil: undefined });
    });

    it('may follow any other', async () => {
      await scene().host('alder');
      for (const from of states) {
        for (const state of states) {
          await scene().store.hosts.setState('alder', { state: from, by: 'mara' });
          expect(await scene().store.hosts.setState('alder', { state, by: 'mara' })).toMatchObject({ state });
        }
      }
    });

    it('has a deadline only when it drains, and only of a host that there is', async () => {
      await scene().host('alder');
      const drainUntil = new Date();
      for (const state of ['active', 'cordoned'] as const) {
        for (const deadline of [{ drainUntil }, { drainForMs: 1 }]) {
          const wish = { state, by: 'mara', ...deadline };
          await expect(scene().store.hosts.setState('alder', wish)).rejects.toMatchObject({ code: 'refused' });
        }
      }
      await expect(scene().store.hosts.setState('nobody', { state: 'active', by: 'mara' })).rejects.toMatchObject({
        code: 'not-found',
      });
      expect(await only()).toMatchObject({ state: 'active' });
    });

    it.each(['cordoned', 'draining'] as const)('%s: takes nothing new, goes on with what it has', async (state) => {
      const host = await scene().host('alder');
      const running = await scene().plan(job('a'));
      const claim = await host.start();
      await scene().store.hosts.setState('alder', { state, by: 'mara' });
      const waiting = await scene().plan(job('b'));
      expect(await host.tryClaim()).toBeUndefined();
      expect(await host.renew([claim.fence.attemptId])).toMatchObject({ gone: [], unknown: [] });
      await host.finish(claim.fence);
      expect(await scene().nodeStates(running)).toEqual({ a: 'succeeded' });
      expect(await scene().waitingFor(waiting, 'b')).toContain(`is ${state}`);
      await scene().store.hosts.setState('alder', { state: 'active', by: 'mara' });
      expect((await host.claim()).runId).toBe(waiting);
    });

    it('outlives its process, and the loss of its machine', async () => {
      const host = await scene().host('alder', { instance: 'old' });
      const drainUntil = new Date('2030-01-01T00:00:00.000Z');
      await scene().store.hosts.setState('alder', { state: 'draining', by: 'mara', reason: 'a new disk', drainUntil });
      await scene().plan(job('a'));
      const next = await scene().host('alder', { instance: 'new' });
      expect(await next.renew()).toMatchObject({ state: 'draining', drainUntil });
      expect(await next.tryClaim()).toBeUndefined();
      await expect(host.renew()).rejects.toMatchObject({ code: 'host-replaced' });
      await scene().under.advance(LEASE_MS);
      await scene().host('alder', { key: 'another machine' });
      expect(await only()).toMatchObject({ state: 'draining', drainUntil, stateChange: { by: 'mara' } });
    });

    it('is told to whoever listens, as is the coming and going of hosts', async () => {
      const changes = scene().under.other.changes;
      const toldOf = (work: () => Promise<unknown>): Promise<unknown> =>
        Promise.all([
          new Promise<void>((resolve) => {
            const stop = changes.on('host:alder', () => {
              stop();
              resolve();
            });
          }),
          work(),
        ]);
      await toldOf(() => scene().host('alder'));
      await toldOf(() => scene().store.hosts.setState('alder', { state: 'cordoned', by: 'mara' }));
      await scene().under.advance(LEASE_MS);
      await toldOf(() => scene().store.hosts.remove('alder'));
    });
  });

  describe('what a host tells of itself', () => {
    it('is its load, its version, and when it did so last', async () => {
      const { hosts } = scene().store;
      const host = await scene().host('alder');
      expect(await only()).not.toHaveProperty('load');
      const renewal = { id: 'alder', instance: host.instance, leaseMs: LEASE_MS, holding: [], notes: [] };
      const load = { load1: 0.75, memoryFreeBytes: 2 ** 33, diskFreeBytes: 2 ** 40 };
      const before = (await only())?.renewedAt ?? expect.fail();
      await scene().under.advance(5_000);
      await hosts.renew({ ...renewal, load });
      expect(await only()).toMatchObject({ load });
      expect((await only())?.renewedAt.getTime()).toBeGreaterThanOrEqual(before.getTime() + 5_000);
      await scene().under.advance(3_000);
      expect((await only())?.renewalAgeMs).toBeGreaterThanOrEqual(3_000);
      await hosts.renew(renewal);
      expect(await only()).toMatchObject({ load });
      expect(await only()).not.toHaveProperty('version');
      await scene().under.advance(LEASE_MS);
      const heir = { id: 'alder', keyHash: new Uint8Array(32), instance: 'next', pools: [], notes: [] };
      const room = { capacity: { cpus: 1, memoryBytes: 1, slots: 1 }, leaseMs: LEASE_MS };
      expect(await hosts.register({ ...heir, ...room, version: '1.2.3' })).toMatchObject({ version: '1.2.3', load });
      expect(await hosts.register({ ...heir, ...room })).not.toHaveProperty('version');
    });
  });

  describe('a host that is gone for good', () => {
    it('is forgotten with its workers, once it holds nothing', async () => {
      const { hosts, attempts } = scene().store;
      const host = await scene().host('alder');
      const runId = await scene().plan(job('a'));
      await host.start();
      const alive = { code: 'host-alive' };
      await expect(hosts.remove('alder')).rejects.toMatchObject(alive);
      await scene().under.advance(LEASE_MS);
      // Dead, but the reaper has not been there.
      await expect(hosts.remove('alder')).rejects.toMatchObject(alive);
      const [seen] = await hosts.renewals();
      expect(await hosts.reap('alder', seen ?? expect.fail())).toBe(1);
      expect(await attempts.workers('alder')).toHaveLength(1);
      await host.renew();
      await expect(hosts.remove('alder')).rejects.toMatchObject(alive);
      await scene().under.advance(LEASE_MS);
      await hosts.remove('alder');
      expect(await hosts.list()).toEqual([]);
      expect(await attempts.workers('alder')).toEqual([]);
      await expect(hosts.remove('alder')).rejects.toMatchObject({ code: 'not-found' });
      // Its process, should it still live, ends; a machine of that name begins anew.
      await expect(host.renew()).rejects.toMatchObject({ code: 'host-replaced' });
      await expect(host.tryClaim()).rejects.toMatchObject({ code: 'host-replaced' });
      const heir = await scene().host('alder', { key: 'another machine' });
      await scene().under.advance(1_000);
      expect((await heir.claim()).runId).toBe(runId);
    });

    it('may come back at that very moment: it is there or not, never half', async () => {
      const { hosts } = scene().store;
      for (let round = 0; round < 10; round += 1) {
        const host = await scene().host('alder', { instance: `i${round}` });
        await hosts.leave('alder', host.instance);
        const [removed, back] = await Promise.allSettled([
          scene().under.other.hosts.remove('alder'),
          scene().host('alder', { instance: `back${round}` }),
        ]);
        expect(back.status).toBe('fulfilled');
        expect(await hosts.list()).toMatchObject([{ id: 'alder', instance: `back${round}`, alive: true }]);
        if (removed.status === 'rejected') expect(removed.reason).toMatchObject({ code: 'host-alive' });
      }
    });
  });
}
