import { rabbitForTests, sharedBroker, type TestVhost } from '@solstice/testing';
import { afterEach, describe } from 'vitest';
import { describeQueueContract } from '../contract/describe-queue-contract.js';
import { createRabbitQueue } from './rabbitmq-queue.js';

const rabbit = await rabbitForTests();
const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

describe.skipIf('missing' in rabbit)('RabbitMQ', () => {
  const vhosts: TestVhost[] = [];

  afterEach(async () => {
    for (const vhost of vhosts.splice(0)) await vhost.drop();
  });

  describeQueueContract('RabbitMQ', async () => {
    const vhost = await (await sharedBroker()).makeVhost();
    vhosts.push(vhost);
    return await createRabbitQueue({ url: vhost.url, logger });
  });
});
