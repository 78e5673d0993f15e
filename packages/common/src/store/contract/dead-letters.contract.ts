import { describe, expect, it } from 'vitest';
import type { NewDeadLetter } from '../port/index.js';
import type { Scene } from './scene.js';

function letter(value: unknown, more: Partial<NewDeadLetter> = {}): NewDeadLetter {
  return {
    queue: 'solstice.jobs.default.v1',
    routingKey: 'default',
    reason: 'version: 2 is not known',
    body: new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value)),
    at: new Date('2026-01-01T00:00:00.000Z'),
    ...more,
  };
}

const readable = { kind: 'host', version: 1, hostId: 'alder' };

export function describeDeadLetters(scene: () => Scene): void {
  describe('dead letters', () => {
    it('are kept as they came, newest first, the same one once', async () => {
      const { deadLetters } = scene().store;
      const odd = letter('', { body: Uint8Array.of(0, 0xff, 0x0a), routingKey: '' });
      const { id } = await deadLetters.add(odd);
      const second = await deadLetters.add(letter({ kind: 'song' }));
      const again = await Promise.all(Array.from({ length: 5 }, () => scene().under.other.deadLetters.add(odd)));
      expect(again.map((one) => one.id)).toEqual([id, id, id, id, id]);
      expect(await deadLetters.count()).toBe(2);
      expect(await deadLetters.get(id)).toEqual({ id, ...odd });
      expect((await deadLetters.list({ limit: 10 })).map((one) => one.id)).toEqual([second.id, id]);
      expect((await deadLetters.list({ limit: 1 })).map((one) => one.id)).toEqual([second.id]);
      for (const more of [{ reason: 'another' }, { queue: 'another' }, { at: new Date(1) }]) {
        expect((await deadLetters.add({ ...odd, ...more })).id).not.toBe(id);
      }
    });

    it('go back into the outbox when they can be read by now, once', async () => {
      const { deadLetters } = scene().store;
      const { id } = await deadLetters.add(letter(readable));
      const outcomes = await Promise.allSettled([
        deadLetters.replay(id),
        scene().under.other.deadLetters.replay(id),
        deadLetters.replay(id),
      ]);
      const done = outcomes.filter((outcome) => outcome.status === 'fulfilled');
      expect(done.map((outcome) => outcome.value)).toEqual([{ replayed: true }]);
      expect(await scene().drainOutbox()).toEqual([readable]);
      expect(await deadLetters.get(id)).toBeUndefined();
    });

    it.each([
      ['an unknown version', { ...readable, version: 99 }, 'version'],
      ['no JSON', '{"kind":', 'JSON'],
    ])('stay when they still cannot be read, with the reason: %s', async (_name, value, reason) => {
      const { deadLetters } = scene().store;
      const { id } = await deadLetters.add(letter(value));
      expect(await deadLetters.replay(id)).toEqual({ unreadable: expect.stringContaining(reason) });
      expect(await deadLetters.count()).toBe(1);
      expect(await scene().drainOutbox()).toEqual([]);
    });

    it('are dropped; of those that are not there it is said', async () => {
      const { deadLetters } = scene().store;
      const { id } = await deadLetters.add(letter(readable));
      await deadLetters.remove(id);
      expect(await deadLetters.list({ limit: 10 })).toEqual([]);
      for (const unknown of [id, '999', 'x', '-1', '']) {
        await expect(deadLetters.remove(unknown)).rejects.toMatchObject({ code: 'not-found' });
        await expect(deadLetters.replay(unknown)).rejects.toMatchObject({ code: 'not-found' });
        expect(await deadLetters.get(unknown)).toBeUndefined();
      }
    });
  });
}
