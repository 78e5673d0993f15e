import { connect, createServer, type Socket } from 'node:net';
import { createLogger, createTracing } from '@solstice/common/telemetry';
import { startOtlpReceiver } from '@solstice/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createOperatorClient, type OperatorClient } from '../client/client.js';
import type { TriggerRequest } from '../deps.js';
import { type Served, type ServeOptions, serve, World } from '../testing/index.js';

async function served(options: ServeOptions = {}) {
  const world = new World();
  const server = await serve(world.store, options);
  onTestFinished(() => server.close());
  await world.plan();
  await (await world.work()).finish();
  const numbers = async () => (await world.store.runs.list({ limit: 100 })).map(({ number }) => number);
  return { world, server, client: server.client, numbers };
}

/** Passes requests on, and takes the answers of the first so many away. */
async function losing(server: Served, answers: number): Promise<{ client: OperatorClient; asked: () => number }> {
  const sockets = new Set<Socket>();
  let asked = 0;
  const proxy = createServer((near) => {
    const far = connect(Number(new URL(server.operatorUrl).port), '127.0.0.1');
    asked += 1;
    const isLost = asked <= answers;
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    near.pipe(far);
    far.on('data', (piece) => (isLost ? near.destroy() : near.write(piece)));
    far.on('end', () => near.end());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  const { port } = proxy.address() as { port: number };
  const url = `http://127.0.0.1:${port}`;
  return { client: createOperatorClient({ url, token: server.token, repeatAfterMs: [0, 0] }), asked: () => asked };
}

async function post(server: Served, path: string, key: string | undefined, body: object = {}) {
  const response = await fetch(`${server.operatorUrl}/api/v1${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${server.token}`,
      'content-type': 'application/json',
      ...(key !== undefined && { 'idempotency-key': key }),
    },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as { run?: { number: number }; error?: { code: string; message: string } };
  return { status: response.status, number: answer.run?.number, code: answer.error?.code, answer };
}

describe('a request whose answer was lost', () => {
  test('is repeated with its key, and makes one run', async () => {
    const { server, numbers } = await served();
    const { client, asked } = await losing(server, 2);
    expect(await client.rerun(1)).toMatchObject({ number: 2, rerun: { number: 1 } });
    expect(asked()).toBe(3);
    expect(await numbers()).toEqual([2, 1]);
    expect(await client.rerun(1)).toMatchObject({ number: 3 });
  });

  test('is given up with the key that makes it safe to ask again', async () => {
    const { server, client: direct, numbers } = await served();
    const { client } = await losing(server, 3);
    const given = { code: 'api-unreachable', hint: expect.stringContaining('the key mine (--key)') };
    await expect(client.rerun(1, { key: 'mine' })).rejects.toMatchObject(given);
    expect(await numbers()).toEqual([2, 1]);
    expect(await direct.rerun(1, { key: 'mine' })).toMatchObject({ number: 2 });
    expect(await numbers()).toEqual([2, 1]);
  });

  test('is not repeated where nobody listens from the start', async () => {
    const { server } = await served();
    await server.close();
    const client = createOperatorClient({ url: server.operatorUrl, token: 'x', repeatAfterMs: [3_600_000] });
    await expect(client.rerun(1)).rejects.toMatchObject({ code: 'api-unreachable' });
  });

  test('of a trigger goes with its key to whoever plans, and the same again has the same print', async () => {
    const seen: TriggerRequest['requestKey'][] = [];
    const trigger = async ({ requestKey }: TriggerRequest) => {
      seen.push(requestKey);
      return { runs: [] };
    };
    const { server } = await served({ operator: { trigger } });
    const { client } = await losing(server, 1);
    await client.trigger({ repository: 'acme/app', inputs: { a: '1', b: '2' } });
    await client.trigger({ repository: 'acme/app', inputs: { b: '2', a: '1' }, key: 'mine', by: 'another' });
    await client.trigger({ repository: 'local:acme/app', inputs: { a: '1', b: '3' }, key: 'mine' });
    const [first, again, reordered, other] = seen;
    expect(first?.key).toMatch(/^[0-9a-f-]{36}$/);
    expect(again).toEqual(first);
    expect(reordered).toEqual({ key: 'mine', fingerprint: first?.fingerprint });
    expect(other?.fingerprint).not.toBe(first?.fingerprint);
  });

  test('of an import is answered as the first one was', async () => {
    const from = await served();
    await from.world.plan({ jobs: { build: [] } });
    const document = await from.client.exportRun(2);
    const to = await served();
    const { client } = await losing(to.server, 1);
    expect(await client.importRun(document)).toMatchObject({ number: 2, state: 'queued' });
    await expect(client.importRun(document)).rejects.toMatchObject({ code: 'refused' });
    expect(await to.numbers()).toEqual([2, 1]);
  });
});

describe('the key of a request', () => {
  test('gives the same run with the same status, however it is written, and 422 for another request', async () => {
    const { server, world, numbers } = await served();
    await world.plan();
    await (await world.work()).finish();
    const { id } = (await world.store.runs.find({ number: 1 })) ?? {};
    for (const [path, key, by] of [
      ['/runs/1/rerun', '"mine"', 'ada'],
      ['/runs/1/rerun', 'mine', 'ada'],
      [`/runs/${id}/rerun`, '"mine"', 'bob'],
    ] as const) {
      expect(await post(server, path, key, { by })).toMatchObject({ status: 201, number: 3 });
    }
    for (const [path, body] of [
      ['/runs/2/rerun', { by: 'ada' }],
      ['/runs/1/rerun', { by: 'ada', job: 'build' }],
    ] as const) {
      const { status, code, answer } = await post(server, path, '"mine"', body);
      expect({ status, code }).toEqual({ status: 422, code: 'request-key-reused' });
      expect(answer.error?.message).toBe(
        'The key "mine" belongs to another request, which made run 3; nothing was done.',
      );
    }
    expect(await numbers()).toEqual([3, 2, 1]);
    expect(await post(server, '/runs/1/rerun', undefined, { by: 'ada' })).toMatchObject({ number: 4 });
  });

  test.each(['""', '"a', 'a b', '"a", "b"', 'x'.repeat(201)])('that can be none is told: %s', async (key) => {
    const { server, numbers } = await served();
    expect(await post(server, '/runs/1/rerun', key)).toMatchObject({ status: 400, code: 'usage' });
    expect(await numbers()).toEqual([1]);
  });
});

test('a document that is too large to be imported is told as that, here and by the server', async () => {
  const { server, client } = await served();
  const document = { notes: 'x'.repeat(64 * 1024 * 1024) };
  const message = 'The document of a run has at most 64 MiB, and this one has more.';
  await expect(client.importRun(document)).rejects.toMatchObject({ code: 'usage', message });
  const headers = { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' };
  // Said by its length, before it is sent.
  const { request } = await import('node:http');
  const status = await new Promise((resolve, reject) => {
    const options = { method: 'POST', headers: { ...headers, 'content-length': 65 * 1024 * 1024 } };
    const sent = request(`${server.operatorUrl}/api/v1/runs/import`, options, async (response) => {
      const text = (await response.toArray()).join('');
      sent.destroy();
      resolve({ status: response.statusCode, ...JSON.parse(text).error });
    });
    sent.on('error', reject);
    sent.write('{');
  });
  expect(status).toMatchObject({ status: 400, code: 'usage', message });
});

test('a rerun begins a trace, which links to that of the run that it does again', async () => {
  const receiver = await startOtlpReceiver();
  onTestFinished(() => receiver.close());
  const logger = createLogger({ level: 'silent' });
  const tracing = createTracing({ otlpUrl: receiver.url, role: 'api', logger, sendAfterMs: 10 });
  onTestFinished(() => tracing.stop());
  const { world, client } = await served({ operator: { tracing } });
  await client.rerun(1);
  await (await world.work()).finish();
  await client.rerun(2);
  await expect(client.rerun(2, { failed: true })).rejects.toMatchObject({ code: 'refused' });
  const of = async (number: number) => await world.store.runs.find({ number });
  const planOf = async (number: number) => {
    const again = (await of(number))?.rerun?.of;
    return await receiver.until(({ name, attributes }) => name === 'plan' && attributes['solstice.rerun.of'] === again);
  };
  const [second, third] = [await planOf(2), await planOf(3)];
  // The first run was planned where nobody traces.
  expect(second).toMatchObject({ parentSpanId: undefined, links: [], attributes: { 'solstice.event': 'rerun' } });
  expect((await of(2))?.trace?.traceparent).toBe(`00-${second.traceId}-${second.spanId}-01`);
  expect(third.links).toEqual([{ traceId: second.traceId, spanId: second.spanId }]);
  expect(third.parentSpanId).toBeUndefined();
  expect(third.traceId).not.toBe(second.traceId);
  await receiver.until(({ name, attributes }) => name === 'plan' && attributes['error.type'] === 'refused');
});
