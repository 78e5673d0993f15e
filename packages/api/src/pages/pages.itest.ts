import { SolsticeError } from '@solstice/common/errors';
import { createParser } from 'eventsource-parser';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type PlanOptions, type ServeOptions, serve, World } from '../testing/index.js';

async function served(plan: PlanOptions = {}, options: ServeOptions = {}) {
  const world = new World();
  const server = await serve(world.store, options);
  onTestFinished(() => server.close());
  const run = await world.plan(plan);
  return { world, server, run, url: `${server.publicUrl}/runs/${run.pageKey}` };
}

const evil = `"><img src=x onerror=alert(1)><script>alert('x')</script>`;

describe('the run page', () => {
  test('shows the run, its jobs, steps and log without any script', async () => {
    const { world, url } = await served({ jobs: { build: [], test: ['build'] } });
    const worker = await world.work();
    await worker.stepStarted(0);
    await worker.print('compiling\n');
    const page = await (await fetch(url)).text();
    for (const text of ['Change something', '#1 of', 'acme/app', 'c0ffee', 'compiling', 'after build', 'Compile']) {
      expect(page).toContain(text);
    }
    expect(page).toMatch(/id="step-0-0-state" data-state="running">running</);
    expect(page).toMatch(/id="job-1-note">[^<]*build/);
    expect(page).toContain('data-live="1"');
    await worker.stepFinished(0, 3);
    await worker.finish({ state: 'failed', cause: { kind: 'exit', step: 0, stepName: 'Compile', exitCode: 3 } });
    const after = await (await fetch(url)).text();
    expect(after).toContain('failed (exit 3)');
    expect(after).toContain('exited with 3');
    expect(after).toContain('data-live="0"');
  });

  test('headers: no framing, no referrer, no cache, no index, scripts by nonce only', async () => {
    const { url, server } = await served();
    for (const address of [url, `${url}/log`, `${server.publicUrl}/runs/${'0'.repeat(32)}`]) {
      const { headers } = await fetch(address);
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain('unsafe');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-robots-tag')).toContain('noindex');
    }
    const [first, second] = [await fetch(url), await fetch(url)];
    const nonce = /nonce-([\w-]+)/.exec(first.headers.get('content-security-policy') ?? '')?.[1] ?? 'none';
    expect(second.headers.get('content-security-policy')).not.toContain(nonce);
    const page = await first.text();
    expect([...page.matchAll(/<(script|style)\b[^>]*>/g)].map(([tag]) => tag)).toEqual([
      `<style nonce="${nonce}">`,
      `<script nonce="${nonce}">`,
    ]);
    expect(page).not.toMatch(/\sstyle="|\son\w+="/);
  });

  test('nothing that others wrote becomes markup: names, titles, branches, causes, logs', async () => {
    const { world, url } = await served({
      workflow: evil,
      jobs: { [evil]: [], after: [evil] },
      steps: [evil, 'Test'],
      ref: `refs/heads/${evil}`,
      title: evil,
      actor: evil,
    });
    const worker = await world.work();
    await worker.stepStarted(0);
    await worker.print(`${evil}\u001b]8;;javascript:alert(1)\u0007link\u001b]8;;\u0007\n`);
    await worker.print(`</span></pre>${evil}`, 'stderr');
    await worker.print(evil, 'system');
    await worker.finish({ state: 'failed', cause: { kind: 'source', detail: evil } });
    const page = await (await fetch(url)).text();
    expect(page).not.toContain('<img');
    expect(page.match(/<script\b/g)).toHaveLength(1);
    expect(page.match(/<\/pre>/g)).toHaveLength(2);
    expect(page).not.toContain('\u001b');
    expect(page).not.toContain('javascript:');
    const log = await fetch(`${url}/log`);
    expect(log.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    const events = await readEvents(`${url}/events?after=-`);
    // Events are JSON on one line: whatever is printed cannot begin another one.
    expect(new Set(events.map(({ event }) => event))).toEqual(new Set(['state', 'log', 'end']));
    const script = page.slice(page.indexOf('<script'));
    expect(script).not.toMatch(/innerHTML|outerHTML|insertAdjacent|document\.write|eval\(/);
  });

  test('a long log: its end on the page, all of it as text', async () => {
    const { world, url } = await served();
    const worker = await world.work();
    for (let i = 0; i < 60; i += 1) await worker.print(`${`${i} `.padEnd(99, 'x')}\n`.repeat(100));
    await worker.finish();
    const page = await (await fetch(url)).text();
    expect(page).toContain('This is its end');
    expect(page).toContain('59 xxx');
    expect(page.length).toBeLessThan(400_000);
    const text = await (await fetch(`${url}/log?job=build`)).text();
    expect(text).toHaveLength(600_000 + '── step 1: Compile\n'.length);
  });

  test('an unknown, malformed or wrong key is not found', async () => {
    const { server, run, url } = await served();
    for (const key of ['0'.repeat(32), String(run.number), run.id, `${run.pageKey}x`, '%00', 'a'.repeat(90)]) {
      for (const path of ['', '/log', '/events']) {
        const answer = await fetch(`${server.publicUrl}/runs/${key}${path}`);
        expect({ key, path, status: answer.status }).toEqual({ key, path, status: 404 });
      }
    }
    expect((await fetch(`${url}/log?job=nope`)).status).toBe(404);
    expect((await fetch(`${url}/events?after=nonsense`)).status).toBe(400);
  });

  test('the store away: 503, without saying more', async () => {
    const { world, url } = await served();
    world.store.runs.find = () => Promise.reject(new SolsticeError('database-unavailable', 'at secret-host:5432'));
    const answer = await fetch(url);
    expect(answer.status).toBe(503);
    expect(await answer.text()).not.toContain('secret-host');
  });
});

describe('the live events', () => {
  test('go on where the page ended: nothing twice, nothing left out, no half characters', async () => {
    const { world, url } = await served();
    const worker = await world.work();
    const euro = new TextEncoder().encode('€');
    await worker.print('on the page ');
    await worker.print(euro.slice(0, 2));
    const page = await (await fetch(url)).text();
    const cursor = /data-cursor="([^"]*)"/.exec(page)?.[1] ?? '';
    const reading = readEvents(`${url}/events?after=${encodeURIComponent(cursor)}`);
    await worker.print(euro.slice(2));
    await worker.print('\u001b[3');
    await worker.print('1mlive\n', 'stdout', 1);
    await worker.print('1mred\n');
    await worker.finish();
    const events = await reading;
    const logs = events
      .filter(({ event }) => event === 'log')
      .map(({ data }) => data as { text: string; heading: string });
    expect(logs.map(({ text }) => text)).toEqual(['€', '', '1mlive\n', 'red\n']);
    expect(logs[2]?.heading).toBe('── step 2: Test');
    expect(events.at(-1)).toMatchObject({ event: 'end', data: { state: 'succeeded' } });
    expect(events.filter(({ event }) => event === 'state').at(-1)?.data).toMatchObject({
      state: 'succeeded',
      jobs: [{ state: 'succeeded' }],
    });
  });

  test('Last-Event-ID goes before the address', async () => {
    const { world, url } = await served();
    const worker = await world.work();
    for (const piece of ['a', 'b', 'c']) await worker.print(piece);
    await worker.finish();
    const events = await readEvents(`${url}/events?after=-`);
    const second = events.filter(({ event }) => event === 'log')[1];
    const rest = await readEvents(`${url}/events?after=-`, { 'last-event-id': second?.id ?? '' });
    expect(rest.filter(({ event }) => event === 'log').map(({ data }) => (data as { text: string }).text)).toEqual([
      'c',
    ]);
  });

  test('a listener that closes lets its readers go', async () => {
    const { world, server, url } = await served();
    await world.work();
    const response = await fetch(`${url}/events`);
    await server.close();
    await expect(response.text()).resolves.toContain('event: state');
  });
});

describe('health', () => {
  test('alive and ready', async () => {
    const { server } = await served();
    expect((await fetch(`${server.publicUrl}/healthz`)).status).toBe(200);
    expect(await (await fetch(`${server.publicUrl}/readyz`)).json()).toEqual({ status: 'ok' });
  });

  test('not ready, with the reason: stopping, or the database away; alive all the same', async () => {
    const { server } = await served({}, { pages: { notReady: () => 'it is stopping' } });
    const answer = await fetch(`${server.publicUrl}/readyz`);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({ status: 'not ready', reason: 'it is stopping' });

    const { server: other, world } = await served();
    world.store.ping = () => Promise.reject(new SolsticeError('database-unavailable', 'at secret-host:5432'));
    const away = await fetch(`${other.publicUrl}/readyz`);
    expect(away.status).toBe(503);
    expect(await away.text()).toBe('{"status":"not ready","reason":"the database does not answer"}');
    expect((await fetch(`${other.publicUrl}/healthz`)).status).toBe(200);
  });
});

interface Event {
  event: string | undefined;
  id: string | undefined;
  data: unknown;
}

async function readEvents(url: string, headers: Record<string, string> = {}): Promise<Event[]> {
  const events: Event[] = [];
  const parser = createParser({
    onEvent: ({ event, id, data }) => events.push({ event, id, data: JSON.parse(data) }),
  });
  parser.feed(await (await fetch(url, { headers })).text());
  return events;
}
