import { describe, expect, it } from 'vitest';
import type { Scene } from './scene.js';

export function describeDeliveries(scene: () => Scene): void {
  describe('deliveries', () => {
    it('are accepted with their message, both or none', async () => {
      const delivery = await scene().newDelivery();
      const { kind, delivery: stored } = await scene().store.deliveries.accept(delivery);
      expect(kind).toBe('accepted');
      expect(stored).toMatchObject({
        forge: delivery.forge,
        forgeDeliveryId: delivery.forgeDeliveryId,
        event: delivery.event,
        state: 'received',
        reason: undefined,
        tries: 0,
        nextTryAt: undefined,
        runIds: [],
      });
      expect(await scene().store.deliveries.get(stored.id)).toEqual(stored);
      expect(await scene().drainOutbox()).toEqual([
        { kind: 'delivery', version: 2, deliveryId: stored.id, forge: delivery.forge, event: delivery.event },
      ]);
    });

    it('change nothing the second time', async () => {
      const delivery = await scene().newDelivery();
      const first = await scene().store.deliveries.accept(delivery);
      await scene().drainOutbox();
      const again = await scene().store.deliveries.accept({ ...delivery, eventName: 'other', twinKey: 'other' });
      expect(again).toEqual({ kind: 'duplicate', delivery: first.delivery });
      expect(await scene().drainOutbox()).toEqual([]);
      expect(await scene().store.deliveries.list({ limit: 10 })).toHaveLength(1);
    });

    it('are one when fifty arrive at once', async () => {
      const delivery = await scene().newDelivery();
      const { store, other } = scene().under;
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) => (index % 2 ? store : other).deliveries.accept(delivery)),
      );
      expect(answers.filter((answer) => answer.kind === 'accepted')).toHaveLength(1);
      expect(new Set(answers.map((answer) => answer.delivery.id)).size).toBe(1);
      expect(await scene().drainOutbox()).toHaveLength(1);
    });

    it('are ignored when the same change came under another id, also when both come at once', async () => {
      const first = await scene().deliver({ twinKey: 'push 1' });
      const twin = await scene().deliver({ twinKey: 'push 1' });
      expect(twin).toMatchObject({ state: 'ignored', reason: `duplicate of ${first.id}` });
      expect(await scene().deliver({ twinKey: undefined })).toMatchObject({ state: 'received' });
      expect(await scene().deliver({ twinKey: undefined })).toMatchObject({ state: 'received' });
      expect(await scene().drainOutbox()).toHaveLength(3);

      const racers = await Promise.all(Array.from({ length: 20 }, () => scene().deliver({ twinKey: 'push 2' })));
      const received = racers.filter((racer) => racer.state === 'received');
      expect(received).toHaveLength(1);
      for (const racer of racers.filter((one) => one.state === 'ignored')) {
        expect(racer.reason).toBe(`duplicate of ${received[0]?.id}`);
      }
    });

    it('of an event that we do not use are kept with the reason, and ring no bell', async () => {
      const delivery = await scene().deliver({ event: undefined, reason: 'a star is of no interest' });
      expect(delivery).toMatchObject({ state: 'ignored', reason: 'a star is of no interest' });
      expect(await scene().drainOutbox()).toEqual([]);
      expect(await scene().store.deliveries.due(10)).toEqual([]);
    });

    it('wait for their next try', async () => {
      const { store } = scene();
      const early = await scene().deliver();
      const late = await scene().deliver();
      expect((await store.deliveries.due(10)).map((one) => one.id)).toEqual([early.id, late.id]);
      expect((await store.deliveries.due(1)).map((one) => one.id)).toEqual([early.id]);
      const { receivedAt } = early;
      const nextTryAt = new Date(receivedAt.getTime() + 60_000);
      expect(await store.deliveries.postpone(early.id, 'the forge answered 502', nextTryAt)).toBe(true);
      expect(await store.deliveries.get(early.id)).toMatchObject({
        state: 'received',
        reason: 'the forge answered 502',
        tries: 1,
        nextTryAt,
      });
      expect((await store.deliveries.due(10)).map((one) => one.id)).toEqual([late.id]);
      await scene().under.advance(61_000);
      expect((await store.deliveries.due(10)).map((one) => one.id)).toEqual([early.id, late.id]);
    });

    it('are settled once', async () => {
      const { deliveries } = scene().store;
      const delivery = await scene().deliver();
      const racers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => deliveries.settle(delivery.id, 'ignored', `reason ${index}`)),
      );
      expect(racers.filter(Boolean)).toHaveLength(1);
      const reason = `reason ${racers.indexOf(true)}`;
      expect(await deliveries.get(delivery.id)).toMatchObject({ state: 'ignored', reason });
      expect(await deliveries.settle(delivery.id, 'failed', 'too late')).toBe(false);
      expect(await deliveries.postpone(delivery.id, 'too late', new Date())).toBe(false);
      expect(await deliveries.get(delivery.id)).toMatchObject({ state: 'ignored', reason });
      expect(await deliveries.settle('987654321', 'failed', 'no such')).toBe(false);
      expect(await deliveries.get('987654321')).toBeUndefined();
    });

    it('are listed newest first, by state', async () => {
      const { deliveries } = scene().store;
      const first = await scene().deliver();
      const second = await scene().deliver();
      await deliveries.settle(first.id, 'failed', 'gone');
      expect((await deliveries.list({ limit: 10 })).map((one) => one.id)).toEqual([second.id, first.id]);
      expect((await deliveries.list({ limit: 1 })).map((one) => one.id)).toEqual([second.id]);
      expect((await deliveries.list({ state: 'failed', limit: 10 })).map((one) => one.id)).toEqual([first.id]);
    });
  });
}
