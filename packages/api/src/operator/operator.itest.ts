import { createServer, type Server, type Socket } from 'node:net';
import { SolsticeError } from '@solstice/common/errors';
import { createLogger } from '@solstice/common/telemetry';
import { eventually } from '@solstice/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createOperatorClient } from '../client/client.js';
import type { LogItem } from '../client/log-stream.js';
import { type ServeOptions, serve, World } from '../testing/index.js';

async function served(options: ServeOptions = {}) {
  const world = new World();
  const server = await serve(world.store, options);
  onTestFinished(() => server.close());
  return { world, server, client: server.client };
}

async function ask(url: string, token: string | undefined, init: RequestInit = {}) {
  const headers = { ...(token && { authorization: `Bearer ${token}` }), ...(init.headers as Record<string, string>) };
  const response = await fetch(url, { ...init, headers });
  return { status: response.status, body: (await response.json()) as { error?: Record<string, string> } };
}

describe('the token', () => {
  test.each([undefined, 'wrong', 'a-token-for-tests-012345678', 'a-token-for-tests-0123456789x'])(
    '%j is refused, for what exists and what does not',
    async (token) => {
      const { server } = await served();
      for (const path of ['status', 'runs', 'runs/1/log?follow=1', 'nothing']) {
        const { status, body } = await ask(`${server.operatorUrl}/api/v1/${path}`, token);
        expect({ path, status, code: body.error?.code }).toEqual({ path, status: 401, code: 'api-unauthorised' });
      }
    },
  );

  test('the client says so', async () => {
    const { server } = await served();
    const client = createOperatorClient({ url: server.operatorUrl, token: 'wrong' });
    await expect(client.status()).rejects.toMatchObject({ code: 'api-unauthorised' });
    await expect(client.log(1).next()).rejects.toMatchObject({ code: 'api-unauthorised' });
  });
});

describe('answers', () => {
  test('every resource, as the client expects it', async () => {
    const { world, client } = await served();
    const planned = await world.plan({ jobs: { build: [], test: ['build'] } });
    const worker = await world.work();
    await worker.stepStarted(0);
    await worker.print('hello\n');
    const run = await client.run(planned.number);
    expect(run).toMatchObject({
      number: 1,
      state: 'running',
      workflowFile: '.solstice/ci.kdl',
      source: { repository: 'acme/app', branch: 'main', title: 'Change something' },
      nodes: [
        { id: 'build', state: 'running', stepNames: ['Compile', 'Test'], attempts: [{ hostId: 'alder', logBytes: 6 }] },
        { id: 'test', state: 'waiting', needs: ['build'] },
      ],
    });
    expect(run.nodes[0]?.attempts[0]?.steps[0]).toMatchObject({ index: 0, state: 'running' });
    expect(await client.run(planned.id)).toEqual(run);
    expect(
      (await client.runs({ repository: 'local:acme/app', state: 'running queued' })).map((each) => each.id),
    ).toEqual([planned.id]);
    expect(await client.runs({ state: 'succeeded' })).toEqual([]);
    expect((await client.events(1))[0]).toMatchObject({ seq: 1, kind: 'run.planned' });
    expect(await client.status()).toMatchObject({
      version: '9.9.9',
      store: { ok: true },
      runs: { running: { count: 1, atLeast: false } },
      hosts: { alive: 1, slotsReserved: 1 },
    });
    expect((await client.hosts())[0]).toMatchObject({ id: 'alder', notes: [expect.stringContaining('processes')] });
    expect(await client.checks({ run: 1 })).toMatchObject([{ context: 'solstice/ci', runId: planned.id }]);
    expect(await client.deliveries()).toEqual([]);
    expect(await client.doctor()).toMatchObject([
      { name: 'workers', state: 'ok', detail: 'processes' },
      { name: 'host alder', state: 'ok' },
    ]);
    const why = await client.why(1);
    expect(why.reasons.map(({ subject }) => subject)).toEqual(['job build', 'job test', 'check solstice/ci']);
    expect(why.reasons[0]?.text).toContain('in step 1 "Compile" on host alder');
  });

  test('why names the runs that come before one that is held', async () => {
    const { client, world } = await served();
    const concurrency = { group: 'staging', policy: 'queue' as const };
    const plan = (workflow: string) => world.plan({ workflow, jobs: { deploy: [] }, concurrency });
    const [first, second, third] = [await plan('one'), await plan('two'), await plan('three')];
    const reason = async (run: { number: number } | undefined) =>
      (await client.why(run?.number ?? 0)).reasons.find(({ subject }) => subject === 'run')?.text;
    expect(await reason(first)).toBeUndefined();
    expect(await reason(second)).toBe(`waits for run ${first?.number} of concurrency group "staging"`);
    expect(await reason(third)).toBe(
      `waits for runs ${first?.number}, ${second?.number} of concurrency group "staging"`,
    );
    await client.cancel(first?.number ?? 0);
    expect(await reason(second)).toBe('waits for its turn in concurrency group "staging", which comes now');
  });

  test('what is not there is not-found; what is not understood is told in full', async () => {
    const { client, server } = await served();
    await expect(client.run(7)).rejects.toMatchObject({ code: 'not-found', message: 'There is no run 7.' });
    await expect(client.run('../status')).rejects.toMatchObject({ code: 'usage' });
    await expect(client.delivery('nope')).rejects.toMatchObject({ code: 'not-found' });
    await expect(client.runs({ repository: 'nobody/nothing' })).rejects.toMatchObject({ code: 'not-found' });
    await expect(client.runs({ state: 'odd' })).rejects.toMatchObject({ code: 'usage' });
    for (const by of ['a\nb', 'a\0b', 'a\ud800']) {
      await expect(client.rerun(1, { by })).rejects.toMatchObject({
        ...{ code: 'usage', message: expect.stringContaining('one line of text') },
      });
    }
    const url = `${server.operatorUrl}/api/v1/runs?limit=0&colour=red`;
    const { status, body } = await ask(url, server.token);
    expect(status).toBe(400);
    expect(body.error?.message).toMatch(/limit.*colour/s);
    const broken = { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } };
    expect(await ask(`${server.operatorUrl}/api/v1/trigger`, server.token, broken)).toMatchObject({
      status: 400,
      body: { error: { code: 'usage' } },
    });
    expect((await ask(`${server.operatorUrl}/api/v1/nothing`, server.token)).status).toBe(404);
  });

  test('an error that nobody foresaw stays in the log', async () => {
    const lines: string[] = [];
    const logger = createLogger({ level: 'error', stream: { write: (line: string) => lines.push(line) } });
    const doctor = () => Promise.reject(new Error('at secret-host:5432'));
    const { client } = await served({ operator: { logger, doctor } });
    const error = await client.doctor().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'internal' });
    expect(String((error as Error).message)).not.toContain('secret-host');
    expect(lines.join('')).toContain('at secret-host:5432');
  });

  test('a store that is away is 503 and retryable', async () => {
    const { world, server, client } = await served();
    world.store.runs.list = () => Promise.reject(new SolsticeError('database-unavailable', 'PostgreSQL is away.'));
    expect((await ask(`${server.operatorUrl}/api/v1/runs`, server.token)).status).toBe(503);
    await expect(client.runs()).rejects.toMatchObject({ code: 'database-unavailable', retryable: true });
  });

  test('nobody listening is api-unreachable', async () => {
    const { server, client } = await served();
    await server.close();
    await expect(client.status()).rejects.toMatchObject({ code: 'api-unreachable' });
  });
});

describe('cancel', () => {
  test('a waiting run ends at once, a running one is asked', async () => {
    const { world, client } = await served();
    await world.plan();
    expect(await client.cancel(1, { by: 'ada', reason: 'wrong branch' })).toMatchObject({
      state: 'cancelled',
      cause: { kind: 'cancelled', by: 'ada', reason: 'wrong branch' },
    });
    await world.plan();
    await world.work();
    expect(await client.cancel(2)).toMatchObject({ state: 'running', cancelRequested: { by: 'operator' } });
  });

  test('a run that is over refuses: 409, with its state', async () => {
    const { world, client, server } = await served();
    await world.plan();
    await (await world.work()).finish();
    const { status, body } = await ask(`${server.operatorUrl}/api/v1/runs/1/cancel`, server.token, { method: 'POST' });
    expect(status).toBe(409);
    expect(body.error).toMatchObject({ code: 'refused', state: 'succeeded' });
    await expect(client.cancel(1)).rejects.toMatchObject({ code: 'refused', state: 'succeeded' });
  });
});

describe('trigger', () => {
  test('hands the request on, and answers with the pages of the runs', async () => {
    const asked: unknown[] = [];
    const { world, client, server } = await served({
      operator: {
        trigger: async (request) => {
          asked.push(request);
          return { runs: [{ id: 'x', number: 4, pageKey: 'k'.repeat(32) }] };
        },
      },
    });
    const repository = await world.repository();
    const answer = await client.trigger({
      repository: 'acme/app',
      ref: 'main',
      by: 'ada',
      commit: undefined,
      workflow: undefined,
    });
    expect(answer.runs).toEqual([{ id: 'x', number: 4, url: `${server.publicUrl}/runs/${'k'.repeat(32)}` }]);
    expect(asked).toEqual([
      {
        repositoryId: repository.id,
        ref: 'main',
        commit: undefined,
        workflow: undefined,
        inputs: undefined,
        actor: 'ada',
        requestKey: expect.objectContaining({ key: expect.any(String) }),
      },
    ]);
  });

  test('inputs are texts by name; what is wrong with them comes back as it was said', async () => {
    const asked: unknown[] = [];
    const { world, client, server } = await served({
      operator: {
        trigger: async ({ inputs }) => {
          asked.push(inputs);
          throw new SolsticeError('usage', 'Workflow "Deploy": input "level" is one of info, debug, and not "loud".', {
            hint: 'Its inputs: level (info or debug).',
          });
        },
      },
    });
    await world.repository();
    const request = { repository: 'acme/app', workflow: 'Deploy', inputs: { level: 'loud', note: 'a = b' } };
    await expect(
      client.trigger({ ...request, ref: undefined, commit: undefined, by: undefined }),
    ).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('not "loud"'),
      hint: 'Its inputs: level (info or debug).',
    });
    expect(asked).toEqual([{ level: 'loud', note: 'a = b' }]);
    const path = `${server.operatorUrl}/api/v1/trigger`;
    for (const inputs of [{ level: 3 }, ['level'], { '': 'x' }, { level: 'x'.repeat(5_000) }]) {
      const body = JSON.stringify({ repository: 'acme/app', inputs });
      const init = { method: 'POST', body, headers: { 'content-type': 'application/json' } };
      expect(await ask(path, server.token, init)).toMatchObject({
        status: 400,
        body: { error: { code: 'usage', message: expect.stringContaining('inputs') } },
      });
    }
    expect(asked).toHaveLength(1);
  });
});

describe('repositories', () => {
  const base = { forge: 'local', cloneUrl: '/srv/git/tool.git', defaultBranch: undefined };

  test('one with its own secret: sealed, and never told again', async () => {
    const sealed: string[] = [];
    const sealSecret = (secret: string) => {
      sealed.push(secret);
      return Uint8Array.of(9);
    };
    const { world, server, client } = await served({ operator: { sealSecret } });
    const webhookSecret = 'a-canary-of-a-secret';
    const answer = await client.addRepository({ ...base, name: 'tool', webhookSecret });
    expect(answer).toMatchObject({
      repository: { name: 'tool', webhookUrl: `${server.publicUrl}/webhooks/local`, webhookSecret: 'repository' },
      forgeKind: 'git',
    });
    expect(sealed).toEqual([webhookSecret]);
    const stored = (await world.store.repositories.list()).find(({ name }) => name === 'tool');
    expect(stored?.sealedWebhookSecret).toEqual(Uint8Array.of(9));
    expect(JSON.stringify([answer, await client.repositories()])).not.toContain('canary');
    // Again without one: the old one stays.
    const again = await client.addRepository({ ...base, name: 'tool', webhookSecret: undefined });
    expect(again.repository.webhookSecret).toBe('repository');
  });

  test('without any secret it is refused, outside --dev', async () => {
    const { client } = await served();
    const request = { ...base, name: 'tool', webhookSecret: undefined };
    await expect(client.addRepository(request)).rejects.toMatchObject({ code: 'webhook-secret-missing' });
    const { client: dev } = await served({ operator: { dev: true } });
    expect(await dev.addRepository(request)).toMatchObject({ repository: { webhookSecret: 'none' } });
  });

  test('a password in an address does not come out', async () => {
    const { client } = await served({ operator: { dev: true } });
    const cloneUrl = 'https://bob:hunter2@code.example/tool.git';
    const { repository } = await client.addRepository({ ...base, cloneUrl, name: 'tool', webhookSecret: undefined });
    expect(repository.cloneUrl).toBe('https://code.example/tool.git');
  });

  test('an unknown forge, and one without a place', async () => {
    const { client } = await served({ operator: { dev: true } });
    const request = { ...base, name: 'tool', webhookSecret: undefined };
    await expect(client.addRepository({ ...request, forge: 'odd' })).rejects.toMatchObject({ code: 'not-found' });
    await expect(client.addRepository({ ...request, cloneUrl: undefined })).rejects.toMatchObject({ code: 'usage' });
  });
});

describe('logs', () => {
  test('the bytes that the steps printed, and nothing of ours', async () => {
    const { world, client } = await served();
    await world.plan();
    const worker = await world.work();
    const odd = Uint8Array.from([0, 0xff, 0x1b, 0x5b, 0x33, 0x31, 0x6d, 0x0d, 0x0a, 0xc3]);
    await worker.print('checking out\n', 'system');
    await worker.print(odd);
    await worker.print('to stderr', 'stderr', 1);
    const collect = async (request: object) => {
      const pieces: Uint8Array[] = [];
      for await (const piece of client.printed(1, request)) pieces.push(piece);
      return Buffer.concat(pieces);
    };
    expect(await collect({})).toEqual(Buffer.concat([odd, Buffer.from('to stderr')]));
    expect((await collect({ step: 1 })).toString()).toBe('to stderr');
    expect((await collect({ job: 'build', attempt: 1, after: '2' })).toString()).toBe('to stderr');
    await expect(collect({ job: 'nope' })).rejects.toMatchObject({ code: 'not-found' });
    await expect(collect({ step: 2 })).rejects.toMatchObject({ code: 'not-found' });
    await expect(collect({ attempt: 2 })).rejects.toMatchObject({ code: 'not-found' });
    await expect(collect({ after: 'nonsense' })).rejects.toMatchObject({ code: 'usage' });
  });

  test('following a log that ends: all of it, then how it ended', async () => {
    const { world, client } = await served();
    await world.plan();
    const worker = await world.work();
    await worker.print('before ');
    const following = collectLog(client.log(1, { follow: true }));
    await worker.print('meanwhile ');
    await worker.finish({ state: 'failed', cause: { kind: 'exit', step: 0, stepName: 'Compile', exitCode: 3 } });
    const items = await following;
    expect(printed(items)).toBe('before meanwhile ');
    expect(items.at(-1)).toEqual({ kind: 'end', state: 'failed' });
    const last = items.filter((item) => item.kind === 'run').at(-1);
    expect(last?.run.causeText).toBeDefined();
  });

  test('Last-Event-ID: from any event on, nothing twice and nothing left out', async () => {
    const { world, client } = await served();
    await world.plan({ jobs: { left: [], right: [] } });
    const left = await world.work();
    const right = await world.work();
    for (let i = 0; i < 10; i += 1) {
      await left.print(`l${i} `);
      await right.print(`r${i} `);
    }
    await left.finish();
    await right.finish();
    const whole = await collectLog(client.log(1));
    for (const [index, item] of whole.entries()) {
      if (item.kind === 'end') continue;
      const rest = await collectLog(client.log(1, { after: item.id }));
      for (const job of ['left', 'right']) {
        const all = printed(whole, job);
        expect(printed(whole.slice(0, index + 1), job) + printed(rest, job)).toBe(all);
      }
    }
  });

  test('a connection that breaks again and again in the middle loses and doubles nothing', async () => {
    const { world, server } = await served();
    await world.plan();
    const worker = await world.work();
    const expected: string[] = [];
    const line = (i: number) => `line ${i} ${'x'.repeat(200)}\n`;
    const proxy = await breakingProxy(new URL(server.operatorUrl).port, 4000);
    onTestFinished(() => proxy.close());
    const client = createOperatorClient({ url: `http://127.0.0.1:${proxy.port}`, token: server.token });
    const reading = collectLog(client.log(1, { follow: true }));
    for (let i = 0; i < 100; i += 1) {
      expected.push(line(i));
      await worker.print(line(i));
    }
    await eventually(() => proxy.broken() > 3, { describe: 'broken connections' });
    await worker.finish();
    expect(printed(await reading)).toBe(expected.join(''));
  });

  test('the server restarts in the middle: the reader comes back', async () => {
    const { world, server, client } = await served();
    await world.plan();
    const worker = await world.work();
    await worker.print('one ');
    const items: LogItem[] = [];
    const reading = (async () => {
      for await (const item of client.log(1, { follow: true })) items.push(item);
    })();
    await eventually(() => printed(items) === 'one ');
    await server.close();
    await worker.print('two ');
    const port = Number(new URL(server.operatorUrl).port);
    const second = await serve(world.store, { port });
    onTestFinished(() => second.close());
    await worker.print('three');
    await worker.finish();
    await reading;
    expect(printed(items)).toBe('one two three');
    expect(items.at(-1)).toEqual({ kind: 'end', state: 'succeeded' });
  });

  test('one who does not come back is told as unreachable', async () => {
    const { world, server, client } = await served();
    await world.plan();
    const reading = client.log(1, { follow: true, patienceMs: 50 });
    await reading.next();
    await server.close();
    await expect(reading.next()).rejects.toMatchObject({ code: 'api-unreachable' });
  });
});

async function collectLog(log: AsyncIterable<LogItem>): Promise<LogItem[]> {
  const items: LogItem[] = [];
  for await (const item of log) items.push(item);
  return items;
}

function printed(items: readonly LogItem[], job?: string): string {
  const logs = items.filter((item) => item.kind === 'log' && (job === undefined || item.job === job));
  return logs.map((item) => (item.kind === 'log' ? Buffer.from(item.data).toString() : '')).join('');
}

/** Passes bytes on and cuts each connection after so many of the answer. */
async function breakingProxy(target: string, afterBytes: number) {
  const { connect } = await import('node:net');
  let broken = 0;
  const sockets = new Set<Socket>();
  const server: Server = createServer((near) => {
    const far = connect(Number(target), '127.0.0.1');
    let sent = 0;
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    near.on('data', (piece) => far.write(piece));
    near.on('close', () => far.destroy());
    far.on('end', () => near.end());
    far.on('data', (piece) => {
      const rest = afterBytes - sent;
      sent += piece.length;
      if (rest >= piece.length) {
        near.write(piece);
      } else if (rest >= 0) {
        broken += 1;
        near.end(piece.subarray(0, rest));
        far.destroy();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    broken: () => broken,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
