import { describe, expect, it } from 'vitest';
import type { Message } from '../messages/index.js';
import { describeQueueContract } from './contract/describe-queue-contract.js';
import { createInProcessQueue } from './in-process-queue.js';
import type { Post } from './queue.js';

const logger = { error: () => undefined };
const post = (message: Message): Post => ({ message });
const job = (pool: string, attemptId = 'a/1'): Message => ({ kind: 'job', version: 1, pool, attemptId });

describeQueueContract('in process', async () => createInProcessQueue({ logger }));

describe('the in-process queue', () => {
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('loses and doubles when it is told to', async () => {
    const heard: Message[] = [];
    const queue = createInProcessQueue({ logger, faults: (message) => (message.kind === 'host' ? 0 : 2) });
    await queue.subscribe({ kind: 'host', hostId: 'alder' }, async (message) => void heard.push(message));
    await queue.subscribe({ kind: 'job', pool: 'p' }, async (message) => void heard.push(message));
    await queue.publish([post({ kind: 'host', version: 1, hostId: 'alder' }), post(job('p'))]);
    await turn();
    expect(heard).toEqual([job('p'), job('p')]);
    await queue.close();
  });

  it('tells the log which handler failed, with constant words', async () => {
    const logged: unknown[] = [];
    const queue = createInProcessQueue({ logger: { error: (...given: unknown[]) => void logged.push(given) } });
    await queue.subscribe({ kind: 'report' }, () => Promise.reject(new Error('planted')));
    await queue.publish([post({ kind: 'report', version: 1, forge: 'f', checkId: 'c' })]);
    await turn();
    expect(logged).toEqual([[{ err: new Error('planted'), kind: 'report' }, expect.any(String)]]);
    await queue.close();
  });

  it('forgets the oldest of what nobody ever listens to', async () => {
    const heard: string[] = [];
    const queue = createInProcessQueue({ logger });
    await queue.publish(Array.from({ length: 1_001 }, (_, index) => post(job('p', `a/${index}`))));
    await queue.subscribe({ kind: 'job', pool: 'p' }, async (message) => {
      heard.push(message.kind === 'job' ? message.attemptId : '');
    });
    await turn();
    expect(heard).toHaveLength(1_000);
    expect(heard[0]).toBe('a/1');
    await queue.close();
  });
});
