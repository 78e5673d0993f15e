import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Message } from '../../messages/index.js';
import type { Consumer, Queue, Subscription } from '../queue.js';

const job = (pool: string, attemptId: string): Message => ({ kind: 'job', version: 1, pool, attemptId });
const host = (hostId: string): Message => ({ kind: 'host', version: 1, hostId });
const report = (checkId: string): Message => ({ kind: 'report', version: 1, forge: 'codeberg', checkId });
const delivery = (deliveryId: string): Message => ({
  ...{ kind: 'delivery', version: 1, deliveryId },
  ...{ forge: 'codeberg', event: 'forge.push.v1' },
});

/** What came, and a way to wait for more of it. */
class Ear {
  readonly heard: Message[] = [];
  #wake: () => void = () => undefined;

  hear(message: Message): void {
    this.heard.push(message);
    this.#wake();
  }

  async until(count: number): Promise<Message[]> {
    while (this.heard.length < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.heard;
  }
}

/**
 * What every Queue promises, tried on one that works well. `make` is called before each test; the queue is closed
 * after it. Queues are at least once: a test counts what came, and doubles would make it fail, so `make` must not
 * inject faults.
 */
export function describeQueueContract(name: string, make: () => Promise<Queue>): void {
  describe(`queue contract: ${name}`, () => {
    let queue: Queue;

    beforeEach(async () => {
      queue = await make();
    });

    afterEach(async () => {
      await queue.close();
    });

    const listen = async (subscription: Subscription): Promise<Ear & { consumer: Consumer }> => {
      const ear = new Ear();
      const consumer = await queue.subscribe(subscription, async (message) => ear.hear(message));
      return Object.assign(ear, { consumer });
    };

    it('brings each kind to who listens for it, whole', async () => {
      const ears = {
        delivery: await listen({ kind: 'delivery' }),
        default: await listen({ kind: 'job', pool: 'default' }),
        large: await listen({ kind: 'job', pool: 'large' }),
        alder: await listen({ kind: 'host', hostId: 'alder' }),
        birch: await listen({ kind: 'host', hostId: 'birch' }),
        report: await listen({ kind: 'report' }),
      };
      await queue.publish([delivery('1'), job('default', 'a/1'), job('large', 'b/1'), host('alder'), report('c')]);
      await queue.publish([host('birch')]);
      expect(await ears.delivery.until(1)).toEqual([delivery('1')]);
      expect(await ears.default.until(1)).toEqual([job('default', 'a/1')]);
      expect(await ears.large.until(1)).toEqual([job('large', 'b/1')]);
      expect(await ears.alder.until(1)).toEqual([host('alder')]);
      expect(await ears.birch.until(1)).toEqual([host('birch')]);
      expect(await ears.report.until(1)).toEqual([report('c')]);
    });

    it('gives a message to one of several, and all have a share', async () => {
      const [one, two] = [await listen({ kind: 'job', pool: 'p' }), await listen({ kind: 'job', pool: 'p' })];
      const sent = Array.from({ length: 20 }, (_, index) => job('p', `a/${index}`));
      await queue.publish(sent);
      const everything = async (): Promise<Message[]> => {
        while (one.heard.length + two.heard.length < sent.length) {
          await Promise.race([one.until(one.heard.length + 1), two.until(two.heard.length + 1)]);
        }
        return [...one.heard, ...two.heard];
      };
      expect((await everything()).map((message) => JSON.stringify(message)).sort()).toEqual(
        sent.map((message) => JSON.stringify(message)).sort(),
      );
      expect(Math.min(one.heard.length, two.heard.length)).toBeGreaterThan(0);
    });

    it('brings one at a time', async () => {
      let running = 0;
      let most = 0;
      const ear = new Ear();
      await queue.subscribe({ kind: 'report' }, async (message) => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        ear.hear(message);
      });
      await queue.publish(Array.from({ length: 10 }, (_, index) => report(String(index))));
      await ear.until(10);
      expect(most).toBe(1);
    });

    it('goes on after a handler that rejects', async () => {
      const ear = new Ear();
      await queue.subscribe({ kind: 'report' }, async (message) => {
        ear.hear(message);
        throw new Error('planted: this handler fails');
      });
      await queue.publish([report('1'), report('2')]);
      expect(await ear.until(2)).toEqual([report('1'), report('2')]);
    });

    it('keeps what is published while nobody listens', async () => {
      await queue.publish([delivery('1'), delivery('2')]);
      const ear = await listen({ kind: 'delivery' });
      expect(await ear.until(2)).toEqual([delivery('1'), delivery('2')]);
    });

    it('calls no handler after a cancel, waits for the one that runs, and gives the rest to others', async () => {
      const ear = new Ear();
      let release: () => void = () => undefined;
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      const consumer = await queue.subscribe({ kind: 'report' }, async (message) => {
        ear.hear(message);
        await held;
      });
      await queue.publish([report('1'), report('2')]);
      await ear.until(1);
      let settled = false;
      const cancelled = consumer.cancel().then(() => {
        settled = true;
      });
      await new Promise((resolve) => setImmediate(resolve));
      expect(settled).toBe(false);
      release();
      await cancelled;
      await consumer.cancel();
      const next = await listen({ kind: 'report' });
      expect(await next.until(1)).toEqual([report('2')]);
      expect(ear.heard).toEqual([report('1')]);
    });

    it('may be published to from a handler', async () => {
      const ear = await listen({ kind: 'report' });
      await queue.subscribe({ kind: 'delivery' }, async () => {
        await queue.publish([report('1')]);
      });
      await queue.publish([delivery('1')]);
      expect(await ear.until(1)).toEqual([report('1')]);
    });

    it('refuses after its end, which may come twice', async () => {
      await queue.close();
      await queue.close();
      await expect(queue.publish([report('1')])).rejects.toMatchObject({ retryable: true });
      await expect(queue.subscribe({ kind: 'report' }, async () => undefined)).rejects.toMatchObject({
        retryable: true,
      });
    });
  });
}
