import { eventually, sharedBroker } from '@solstice/testing';
import { connect } from 'amqplib';
import { describe, expect, it } from 'vitest';
import { createRabbitQueue } from './rabbitmq-queue.js';
import { brokerFor, listen, pem, publishSurely, queueFor, rabbit, report } from './testing/scene.js';

const PASSWORD = 'hunter2-canary';

describe.skipIf('missing' in rabbit)('a broker that refuses us', () => {
  it('says that the password is wrong, loudly, and never what it was', async (context) => {
    const broker = await sharedBroker();
    const vhost = await broker.vhostFor(context);
    const queue = await queueFor(context, broker.url(vhost.name, { password: PASSWORD }));
    expect(queue.state()).toBe('connecting');
    expect(queue.problem()).toMatchObject({
      code: 'queue-refused',
      message: expect.stringMatching(/amqp:\/\/127\.0\.0\.1:\d+.* refuses the user name or the password/),
      hint: expect.stringContaining('queue_url'),
    });
    expect(queue.log.lines).toContainEqual(expect.objectContaining({ level: 'error' }));
    const refused: unknown = await queue.publish([{ message: report('r') }]).catch((error: unknown) => error);
    expect(refused).toMatchObject({ retryable: true, message: expect.stringContaining('password') });
    expect(JSON.stringify([queue.log.lines, refused, String(queue.problem()?.stack)])).not.toContain(PASSWORD);
  });

  it('says that the vhost is not there, and comes in once it is', async (context) => {
    const broker = await sharedBroker();
    const vhost = await broker.vhostFor(context);
    await vhost.drop();
    const queue = await queueFor(context, vhost.url);
    expect(queue.problem()).toMatchObject({ code: 'queue-refused', message: expect.stringContaining('vhost') });
    await broker.ctl('add_vhost', vhost.name);
    await broker.ctl('set_permissions', '--vhost', vhost.name, broker.place.user, '.*', '.*', '.*');
    await eventually(() => queue.state() === 'connected');
    context.onTestFinished(() => vhost.drop());
  });

  it('says that something is there with other arguments, and goes on when it is taken away', async (context) => {
    const vhost = await (await sharedBroker()).vhostFor(context);
    const connection = await connect(vhost.url);
    await (await connection.createChannel()).assertQueue('solstice.reports.v1', { durable: true });
    await connection.close();
    const queue = await queueFor(context, vhost.url);
    expect(queue.problem()).toMatchObject({
      code: 'queue-refused',
      message: expect.stringContaining('solstice.reports.v1'),
      hint: expect.stringContaining('Delete'),
    });
    await vhost.deleteQueue('solstice.reports.v1');
    await eventually(() => queue.state() === 'connected');
  });

  it('is taken for what its certificate says', { timeout: 120_000 }, async (context) => {
    const server = await brokerFor(context, { tls: true });
    const { certificates, broker } = server;
    if (!certificates) throw new Error('no certificates');
    const url = broker.url('/', { tls: true });
    const good = await queueFor(context, url, {
      tls: {
        ca: await pem(certificates.ca),
        cert: await pem(certificates.client.cert),
        key: await pem(certificates.client.key),
      },
    });
    const ear = await listen(good, { kind: 'report' });
    await publishSurely(good, report('r'));
    await eventually(() => ear.heard.includes('r'));
    const wrongs = [{ tls: { ca: await pem(certificates.otherCa) } }, {}];
    for (const wrong of wrongs) {
      const queue = await queueFor(context, url, wrong);
      expect(queue.state()).toBe('connecting');
      expect(queue.problem()).toMatchObject({
        code: 'queue-refused',
        message: expect.stringContaining('certificate'),
        hint: expect.stringContaining('queue_ca_file'),
      });
    }
  });

  it.each(['', 'nonsense', 'http://host', `amqp//u:${PASSWORD}@host`])('is no address: %s', async (url) => {
    const wrong = createRabbitQueue({ url, logger: { info() {}, warn() {}, error() {} } });
    await expect(wrong).rejects.toMatchObject({ code: 'settings-invalid' });
    await expect(wrong).rejects.not.toThrow(PASSWORD);
  });
});
