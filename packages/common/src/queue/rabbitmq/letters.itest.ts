import { eventually, sharedBroker, type TestVhost } from '@solstice/testing';
import { connect } from 'amqplib';
import { describe, expect, it } from 'vitest';
import type { Message } from '../../messages/index.js';
import type { DeadLetter } from '../queue.js';
import { idOf, job, listen, queueFor, rabbit, report } from './testing/scene.js';

describe.skipIf('missing' in rabbit)('dead letters', () => {
  it('are what could not be read, each with its reason, while the rest goes on', async (context) => {
    const vhost = await (await sharedBroker()).vhostFor(context);
    const queue = await queueFor(context, vhost.url);
    const ear = await listen(queue, { kind: 'report' });
    const bodies = [
      'no JSON',
      Buffer.from([0xff, 0xfe]),
      '{"kind":"song","version":1}',
      '{"kind":"report","version":9,"forge":"codeberg","checkId":"c"}',
      '{"kind":"report","version":1,"forge":"codeberg"}',
      JSON.stringify(job('p', 'a/1')),
    ];
    await publishRaw(vhost, 'solstice.reports', 'codeberg', bodies);
    await queue.publish([{ message: report('fine') }]);
    await eventually(() => ear.heard.length === 1);
    const letters: DeadLetter[] = [];
    await queue.onDeadLetter(async (letter) => void letters.push(letter));
    await eventually(() => letters.length === bodies.length);
    expect(letters.map(({ body }) => Buffer.from(body))).toEqual(bodies.map((body) => Buffer.from(body)));
    expect(letters.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('no JSON'),
      expect.stringContaining('no JSON'),
      expect.stringContaining('kind'),
      expect.stringContaining('version'),
      expect.stringContaining('checkId'),
      expect.stringContaining('job'),
    ]);
    for (const { queue: from, routingKey, at } of letters) {
      expect({ from, routingKey }).toEqual({ from: 'solstice.reports.v1', routingKey: 'codeberg' });
      expect(Math.abs(at.getTime() - Date.now())).toBeLessThan(10 * 60_000);
    }
    await eventually(async () => (await vhost.queues()).every(({ messages }) => messages === 0));
  });

  it('stay on the broker while they cannot be stored', async (context) => {
    const vhost = await (await sharedBroker()).vhostFor(context);
    const queue = await queueFor(context, vhost.url);
    await publishRaw(vhost, 'solstice.dead', 'anything', ['1', '2']);
    const tries: string[] = [];
    let outage = true;
    const failing = await queue.onDeadLetter(async (letter) => {
      tries.push(Buffer.from(letter.body).toString());
      if (outage) throw new Error('planted: no database');
    });
    await eventually(() => tries.length >= 3);
    expect(new Set(tries)).toEqual(new Set(['1']));
    await failing.cancel();
    await eventually(async () => {
      expect((await vhost.queues()).find(({ name }) => name === 'solstice.dead.v1')).toMatchObject({ messages: 2 });
      return true;
    });
    outage = false;
    const letters: DeadLetter[] = [];
    await queue.onDeadLetter(async (letter) => void letters.push(letter));
    await eventually(() => letters.length === 2);
    expect(letters[0]).toMatchObject({
      queue: 'unknown',
      routingKey: 'anything',
      reason: expect.stringContaining('reason'),
    });
  });

  it('are also what ended its consumers too often, but no bell that nobody heard', async (context) => {
    const vhost = await (await sharedBroker()).vhostFor(context);
    const queue = await queueFor(context, vhost.url);
    await queue.publish([{ message: job('p', 'a/1') }]);
    const connection = await connect(vhost.url);
    const channel = await connection.createChannel();
    await channel.consume('solstice.jobs.p.v1', (raw) => raw && channel.nack(raw));
    const letters: DeadLetter[] = [];
    await queue.onDeadLetter(async (letter) => void letters.push(letter));
    await eventually(() => letters.length === 1);
    await connection.close();
    expect(letters[0]).toMatchObject({
      queue: 'solstice.jobs.p.v1',
      routingKey: 'p',
      reason: expect.stringContaining('too many times'),
      body: new Uint8Array(Buffer.from(JSON.stringify(job('p', 'a/1')))),
    });
    await publishRaw(vhost, 'solstice.dead', 'p', ['bell'], { 'x-first-death-reason': 'maxlen' });
    await publishRaw(vhost, 'solstice.dead', 'p', ['letter']);
    await eventually(() => letters.length === 2);
    expect(Buffer.from(letters[1]?.body ?? []).toString()).toBe('letter');
  });

  it('are the way out for a kind that only a newer version knows, and its outbox goes on', async (context) => {
    const vhost = await (await sharedBroker()).vhostFor(context);
    const queue = await queueFor(context, vhost.url);
    const ear = await listen(queue, { kind: 'report' });
    const newer = { kind: 'song', version: 1 } as unknown as Message;
    await queue.publish([{ message: newer }, { message: report('r') }]);
    const letters: DeadLetter[] = [];
    await queue.onDeadLetter(async (letter) => void letters.push(letter));
    await eventually(() => letters.length === 1 && ear.heard.length === 1);
    expect(letters[0]).toMatchObject({ queue: 'outbox', reason: expect.stringContaining('song') });
  });

  it('are none of what comes twice, which is brought twice', async (context) => {
    const vhost = await (await sharedBroker()).vhostFor(context);
    const queue = await queueFor(context, vhost.url);
    const heard: string[] = [];
    await queue.subscribe({ kind: 'report' }, async (message) => void heard.push(idOf(message)));
    await queue.publish([{ message: report('1') }, { message: report('1') }]);
    await eventually(() => heard.length === 2);
  });
});

async function publishRaw(
  vhost: TestVhost,
  exchange: string,
  routingKey: string,
  bodies: (string | Buffer)[],
  headers: Record<string, unknown> = {},
): Promise<void> {
  const connection = await connect(vhost.url);
  const channel = await connection.createConfirmChannel();
  for (const body of bodies) channel.publish(exchange, routingKey, Buffer.from(body), { headers });
  await channel.waitForConfirms();
  await connection.close();
}
