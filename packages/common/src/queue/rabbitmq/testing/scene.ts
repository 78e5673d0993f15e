import { readFile } from 'node:fs/promises';
import type { RabbitServer, TestContext } from '@solstice/testing';
import { eventually, rabbitForTests, startRabbitServer } from '@solstice/testing';
import type { Message } from '../../../messages/index.js';
import type { Consumer, Queue, Subscription } from '../../queue.js';
import { createRabbitQueue, type RabbitQueueSettings } from '../rabbitmq-queue.js';

export const rabbit = await rabbitForTests();

export const job = (pool: string, attemptId: string): Message => ({ kind: 'job', version: 1, pool, attemptId });
export const report = (checkId: string): Message => ({ kind: 'report', version: 1, forge: 'codeberg', checkId });
export const delivery = (deliveryId: string): Message => ({
  ...{ kind: 'delivery', version: 1, deliveryId },
  ...{ forge: 'codeberg', event: 'forge.push.v1' },
});

/** What the queue wrote into the log. */
export class Log {
  readonly lines: { level: string; fields: Record<string, unknown>; text: string }[] = [];

  readonly logger = {
    info: (fields: object, text: string) => this.#add('info', fields, text),
    warn: (fields: object, text: string) => this.#add('warn', fields, text),
    error: (fields: object, text: string) => this.#add('error', fields, text),
  } as RabbitQueueSettings['logger'];

  #add(level: string, fields: object, text: string): void {
    this.lines.push({ level, fields: fields as Record<string, unknown>, text });
  }
}

/** A queue that tries again at once and is closed after the test. */
export async function queueFor(
  context: TestContext,
  url: string,
  more: Partial<RabbitQueueSettings> = {},
): Promise<Queue & { log: Log }> {
  const log = new Log();
  const backoff = { firstMs: 50, mostMs: 500 };
  const queue = await createRabbitQueue({ url, logger: log.logger, backoff, ...more });
  context.onTestFinished(() => queue.close());
  return Object.assign(queue, { log });
}

export async function brokerFor(context: TestContext, options: { tls?: boolean } = {}): Promise<RabbitServer> {
  if ('missing' in rabbit) throw new Error(rabbit.missing);
  const server = await startRabbitServer({ scripts: rabbit.scripts, ...options });
  context.onTestFinished(() => server.stop());
  return server;
}

export interface Ear {
  /** Ids of what came, in order. */
  heard: string[];
  consumer: Consumer;
}

export async function listen(queue: Queue, subscription: Subscription): Promise<Ear> {
  const heard: string[] = [];
  const consumer = await queue.subscribe(subscription, async (message) => void heard.push(idOf(message)));
  return { heard, consumer };
}

export function idOf(message: Message): string {
  switch (message.kind) {
    case 'delivery':
      return message.deliveryId;
    case 'job':
      return message.attemptId;
    case 'host':
      return message.hostId;
    case 'report':
      return message.checkId;
  }
}

/** As the relay does: again and again until it is confirmed. */
export async function publishSurely(queue: Queue, ...messages: Message[]): Promise<void> {
  await eventually(
    async () => {
      await queue.publish(messages.map((message) => ({ message })));
      return true;
    },
    { describe: 'published', timeoutMs: 60_000 },
  );
}

export async function pem(file: string): Promise<string> {
  return await readFile(file, 'utf8');
}
