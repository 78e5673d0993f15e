import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Message } from '../../messages/index.js';
import type { TraceContext } from '../../telemetry/index.js';
import type { Consumer, Heard, Queue, Subscription } from '../queue.js';

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
  /** What came beside each message. */
  readonly about: Heard[] = [];
  #wake: () => void = () => undefined;

  hear(message: Message, about: Heard): void {
    this.heard.push(message);
    this.about.push(about);
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

    const publish = (...messages: Message[]): Promise<void> => queue.publish(messages.map((message) => ({ message })));

    const listen = async (subscription: Subscription): Promise<Ear & { consumer: Consumer }> => {
      const ear = new Ear();
      const consumer = await queue.subscribe(subscription, async (message, about) => ear.hear(message, about));
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
      await publish(delivery('1'), job('default', 'a/1'), job('large', 'b/1'), host('alder'), report('c'));
      await publish(host('birch'));
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
      await publish(...sent);
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
      await queue.subscribe({ kind: 'report' }, async (message, about) => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        ear.hear(message, about);
      });
      await publish(...Array.from({ length: 10 }, (_, index) => report(String(index))));
      await ear.until(10);
      expect(most).toBe(1);
    });

    it('goes on after a handler that rejects', async () => {
      const ear = new Ear();
      await queue.subscribe({ kind: 'report' }, async (message, about) => {
        ear.hear(message, about);
        throw new Error('planted: this handler fails');
      });
      await publish(report('1'), report('2'));
      expect(await ear.until(2)).toEqual([report('1'), report('2')]);
    });

    it('keeps what is published while nobody listens', async () => {
      await publish(delivery('1'), delivery('2'));
      const ear = await listen({ kind: 'delivery' });
      expect(await ear.until(2)).toEqual([delivery('1'), delivery('2')]);
    });

    it('calls no handler after a cancel, waits for the one that runs, and gives the rest to others', async () => {
      const ear = new Ear();
      let release: () => void = () => undefined;
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      const consumer = await queue.subscribe({ kind: 'report' }, async (message, about) => {
        ear.hear(message, about);
        await held;
      });
      await publish(report('1'), report('2'));
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

    it('rings for pool * where nobody consumes the pool itself', async () => {
      const any = await listen({ kind: 'job', pool: '*' });
      const named = await listen({ kind: 'job', pool: 'p' });
      await publish(job('p', 'a/1'), job('other', 'b/1'));
      expect(await any.until(1)).toEqual([job('other', 'b/1')]);
      expect(await named.until(1)).toEqual([job('p', 'a/1')]);
    });

    it('takes nothing while it is paused, and what waited when it goes on', async () => {
      const ear = new Ear();
      const consumer = await queue.subscribe({ kind: 'job', pool: 'p' }, async (message, about) => {
        ear.hear(message, about);
        // From within the handler, as a host does that finds itself full.
        await consumer.pause();
      });
      await publish(job('p', 'a/1'), job('p', 'a/2'));
      await ear.until(1);
      await consumer.pause();
      const other = await listen({ kind: 'job', pool: 'p' });
      expect(await other.until(1)).toEqual([job('p', 'a/2')]);
      await other.consumer.pause();
      await publish(job('p', 'a/3'));
      await consumer.resume();
      await consumer.resume();
      expect(await ear.until(2)).toEqual([job('p', 'a/1'), job('p', 'a/3')]);
      expect(other.heard).toEqual([job('p', 'a/2')]);
      await other.consumer.cancel();
      await other.consumer.resume();
      await publish(job('p', 'a/4'));
      await consumer.resume();
      expect((await ear.until(3)).at(-1)).toEqual(job('p', 'a/4'));
      expect(other.heard).toEqual([job('p', 'a/2')]);
    });

    it('carries the trace of what caused a message', async () => {
      const trace: TraceContext = {
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        tracestate: 'vendor=1',
      };
      const ear = await listen({ kind: 'report' });
      await queue.publish([{ message: report('1'), trace }, { message: report('2') }]);
      await ear.until(2);
      expect(ear.about).toEqual([{ trace }, {}]);
    });

    it('says how it stands with the broker', async () => {
      expect([queue.state(), queue.problem()]).toEqual(['connected', undefined]);
      await queue.close();
      expect(queue.state()).toBe('closed');
    });

    it('listens for dead letters until it is told not to', async () => {
      const consumer = await queue.onDeadLetter(async () => undefined);
      await consumer.pause();
      await consumer.resume();
      await consumer.cancel();
      await consumer.cancel();
    });

    it('may be published to from a handler', async () => {
      const ear = await listen({ kind: 'report' });
      await queue.subscribe({ kind: 'delivery' }, async () => {
        await publish(report('1'));
      });
      await publish(delivery('1'));
      expect(await ear.until(1)).toEqual([report('1')]);
    });

    it('refuses after its end, which may come twice', async () => {
      await queue.close();
      await queue.close();
      await expect(publish(report('1'))).rejects.toMatchObject({ retryable: true });
      await expect(queue.subscribe({ kind: 'report' }, async () => undefined)).rejects.toMatchObject({
        retryable: true,
      });
    });
  });
}
