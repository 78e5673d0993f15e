import { eventually, sharedBroker } from '@solstice/testing';
import { describe, expect, it } from 'vitest';
import { brokerFor, delivery, idOf, job, listen, publishSurely, queueFor, rabbit, report } from './testing/scene.js';

const TIMEOUT_MS = 180_000;

describe.skipIf('missing' in rabbit)('a broker that comes and goes', { timeout: TIMEOUT_MS }, () => {
  it('loses nothing that was confirmed when it restarts in traffic', async (context) => {
    const server = await brokerFor(context);
    const url = server.broker.url();
    const [publisher, consumer] = [await queueFor(context, url), await queueFor(context, url)];
    const ear = await listen(consumer, { kind: 'delivery' });
    let [sent, over] = [0, false];
    const traffic = (async () => {
      for (; !over; sent += 1) await publishSurely(publisher, delivery(String(sent)));
    })();
    const more = (): Promise<unknown> => {
      const heard = ear.heard.length;
      return eventually(() => ear.heard.length > heard + 20, { timeoutMs: 60_000 });
    };
    await more();
    // First in order: what lies in a queue that was made just now, RabbitMQ 3.10 forgets when it is killed.
    for (const how of ['orderly', 'kill'] as const) {
      await server.restart(how);
      await more();
    }
    over = true;
    await traffic;
    await eventually(() => new Set(ear.heard).size === sent, {
      describe: () => `${sent} sent, ${ear.heard.length} heard`,
    });
    expect([publisher.state(), consumer.state()]).toEqual(['connected', 'connected']);
  });

  it('need not be there at the start, is told when it goes, and may be stopped for', async (context) => {
    const server = await brokerFor(context);
    const url = server.broker.url();
    await server.down('kill');
    const queue = await queueFor(context, url);
    expect(queue.state()).toBe('connecting');
    expect(queue.problem()).toMatchObject({ code: 'queue-unavailable', retryable: true });
    await expect(queue.publish([{ message: report('lost') }])).rejects.toMatchObject({
      code: 'queue-unavailable',
      retryable: true,
    });
    const ear = await listen(queue, { kind: 'report' });
    await server.start();
    await eventually(() => queue.state() === 'connected');
    expect(queue.problem()).toBeUndefined();
    expect(queue.losses?.()).toBe(0);
    await publishSurely(queue, report('r'));
    await eventually(() => ear.heard.includes('r'));
    expect(ear.heard).not.toContain('lost');
    await server.down('kill');
    await eventually(() => queue.state() === 'connecting');
    await eventually(() => queue.losses?.() === 2);
    await ear.consumer.cancel();
    await queue.close();
    expect(queue.state()).toBe('closed');
  });

  it('holds publishers up in a memory alarm, which they hear of at once; consumers go on', async (context) => {
    const server = await brokerFor(context);
    const url = server.broker.url();
    const queue = await queueFor(context, url);
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const heard: string[] = [];
    await queue.subscribe({ kind: 'report' }, async (message) => {
      heard.push(idOf(message));
      await held;
    });
    await publishSurely(queue, report('1'), report('2'), report('3'));
    await eventually(() => heard.length === 1);
    await server.broker.memoryAlarm(true);
    await eventually(async () => {
      const refused = await queue.publish([{ message: report('4') }]).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 'queue-unavailable', message: expect.stringContaining('for now') });
      return true;
    });
    release();
    await eventually(() => heard.length >= 3);
    expect(heard.slice(0, 3)).toEqual(['1', '2', '3']);
    await server.broker.memoryAlarm(false);
    await publishSurely(queue, report('5'));
    await eventually(() => heard.includes('5'));
  });

  it('may cut every connection: both come back, and a message in hand is brought again', async (context) => {
    const vhost = await (await sharedBroker()).vhostFor(context);
    const queue = await queueFor(context, vhost.url);
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const heard: string[] = [];
    let [running, most] = [0, 0];
    await queue.subscribe({ kind: 'job', pool: 'p' }, async (message) => {
      running += 1;
      most = Math.max(most, running);
      heard.push(idOf(message));
      await held;
      running -= 1;
    });
    const host = await listen(queue, { kind: 'host', hostId: 'alder' });
    await queue.publish([{ message: job('p', 'a/1') }, { message: job('p', 'a/2') }]);
    await eventually(() => heard.length === 1);
    await vhost.closeConnections();
    await eventually(() => queue.log.lines.filter(({ text }) => text === 'connected to RabbitMQ').length === 4);
    await eventually(() => queue.state() === 'connected');
    release();
    await eventually(() => heard.includes('a/2'));
    expect(most).toBe(1);
    expect(heard.filter((id) => id === 'a/1')).toHaveLength(2);
    await publishSurely(queue, { kind: 'host', version: 1, hostId: 'alder' });
    await eventually(() => host.heard.length > 0);
    await eventually(async () => {
      expect((await vhost.queues()).find(({ name }) => name === 'solstice.jobs.p.v1')).toMatchObject({ messages: 0 });
      return true;
    });
  });

  it('gives what a consumer that is cancelled has not begun to another', async (context) => {
    const vhost = await (await sharedBroker()).vhostFor(context);
    const [one, two] = [await queueFor(context, vhost.url), await queueFor(context, vhost.url)];
    const here = await listen(one, { kind: 'job', pool: 'p' });
    await one.publish([{ message: job('p', 'a/1') }]);
    await eventually(() => here.heard.length === 1);
    await here.consumer.pause();
    await one.publish([{ message: job('p', 'a/2') }]);
    const there = await listen(two, { kind: 'job', pool: 'p' });
    await eventually(() => there.heard.length === 1);
    await there.consumer.cancel();
    await two.publish([{ message: job('p', 'a/3') }]);
    await here.consumer.resume();
    await eventually(() => here.heard.length === 2);
    expect([here.heard, there.heard]).toEqual([['a/1', 'a/3'], ['a/2']]);
  });
});
