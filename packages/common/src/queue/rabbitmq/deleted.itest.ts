import { eventually, sharedBroker } from '@solstice/testing';
import { describe, expect, it } from 'vitest';
import { delivery, job, listen, publishSurely, queueFor, rabbit, report } from './testing/scene.js';

describe.skipIf('missing' in rabbit)('what is deleted behind our back', () => {
  it('is made anew by whoever consumes it', async (context) => {
    const vhost = await (await sharedBroker()).vhostFor(context);
    const queue = await queueFor(context, vhost.url);
    const jobs = await listen(queue, { kind: 'job', pool: 'p' });
    const reports = await listen(queue, { kind: 'report' });
    const hosts = await listen(queue, { kind: 'host', hostId: 'alder' });
    for (const { name } of await vhost.queues()) {
      // A host's is locked by its connection: not even we may delete it.
      if (!name.startsWith('solstice.host.')) await vhost.deleteQueue(name);
    }
    await eventually(async () => {
      const consumed = (await vhost.queues()).filter(({ consumers }) => consumers === 1);
      expect(consumed.map(({ name }) => name.replace(/alder\..*/, 'alder')).sort()).toEqual([
        'solstice.host.alder',
        'solstice.jobs.p.v1',
        'solstice.reports.v1',
      ]);
      return true;
    });
    await publishSurely(queue, job('p', 'a/1'), report('r'), { kind: 'host', version: 1, hostId: 'alder' });
    await eventually(() => jobs.heard.includes('a/1') && reports.heard.includes('r') && hosts.heard.includes('alder'));
  });

  it('is made anew by whoever publishes, and what was published comes', async (context) => {
    const vhost = await (await sharedBroker()).vhostFor(context);
    const [publisher, late] = [await queueFor(context, vhost.url), await queueFor(context, vhost.url)];
    const before = Array.from({ length: 20 }, (_, index) => ({ message: job('p', `before/${index}`) }));
    // A pool that was never seen, too.
    await publisher.publish([...before, { message: delivery('before') }, { message: job('new', 'n/1') }]);
    for (const { name } of await vhost.queues()) await vhost.deleteQueue(name);
    expect(await vhost.queues()).toEqual([]);
    await publisher.publish([{ message: job('p', 'a/1') }, { message: delivery('d') }, { message: report('r') }]);
    const ears = [
      await listen(late, { kind: 'job', pool: 'p' }),
      await listen(late, { kind: 'delivery' }),
      await listen(late, { kind: 'report' }),
    ];
    await eventually(() => ears.every(({ heard }) => heard.length === 1));
    expect(ears.map(({ heard }) => heard)).toEqual([['a/1'], ['d'], ['r']]);
  });

  it('may be the exchanges', async (context) => {
    const vhost = await (await sharedBroker()).vhostFor(context);
    const queue = await queueFor(context, vhost.url);
    const ear = await listen(queue, { kind: 'job', pool: 'p' });
    for (const name of ['solstice.jobs', 'solstice.dead']) {
      const gone = `rabbit_exchange:delete(rabbit_misc:r(<<"${vhost.name}">>, exchange, <<"${name}">>), false, <<"test">>).`;
      await (await sharedBroker()).ctl('eval', gone);
    }
    // The binding of a queue that is consumed went with the exchange: who publishes makes both anew.
    await publishSurely(queue, job('p', 'a/1'));
    await eventually(() => ear.heard.includes('a/1'));
  });
});
