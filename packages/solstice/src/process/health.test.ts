import { beforeEach, expect, test, vi } from 'vitest';
import { Health } from './health.js';
import { registerHealthRoutes } from './health-listener.js';
import { createServer } from './listeners.js';

const well = { ok: true, detail: 'well' };
const ill = { ok: false, detail: 'no answer' };

let health: Health;
beforeEach(() => {
  health = new Health();
});

async function ask(path: string): Promise<[number, unknown]> {
  const app = createServer();
  registerHealthRoutes(app, health, { text: async () => 'solstice_up 1\n', contentType: 'text/plain; version=0.0.4' });
  const answer = await app.inject({ url: path });
  await app.close();
  expect(answer.headers['cache-control']).toBe('no-store');
  return [answer.statusCode, path === '/metrics' ? answer.body : answer.json()];
}

test('it is not ready while it starts, and says what it is at; nor when it has begun to stop', async () => {
  health.starting('the database');
  expect(await ask('/readyz')).toEqual([503, { status: 'not ready', reason: 'starting: the database', parts: {} }]);
  expect(health.notReady()).toBe('starting: the database');
  health.started();
  expect(await ask('/readyz')).toEqual([200, { status: 'ready', parts: {} }]);
  health.stopping();
  health.started();
  health.starting('again');
  expect(await ask('/readyz')).toEqual([503, { status: 'not ready', reason: 'stopping', parts: {} }]);
  expect((await ask('/livez'))[0]).toBe(200);
});

test('it is as ready as the parts that it needs; the others are told, and no more', async () => {
  health.started();
  let database = well;
  health.add('database', { needed: true, look: async () => database });
  health.add('broker', { needed: false, look: () => ill });
  expect(await ask('/readyz')).toEqual([
    200,
    {
      status: 'degraded',
      parts: { database: { ...well, needed: true }, broker: { ...ill, needed: false } },
    },
  ]);
  database = ill;
  expect(await ask('/readyz')).toMatchObject([503, { status: 'not ready', parts: { database: ill } }]);
});

test('a part that throws, or does not answer, is not well', async () => {
  vi.useFakeTimers();
  try {
    health.started();
    health.add('thrower', {
      needed: true,
      look: () => {
        throw new Error('bang');
      },
    });
    health.add('sleeper', { needed: true, look: () => new Promise(() => undefined) });
    const readiness = health.readiness();
    await vi.advanceTimersByTimeAsync(2_000);
    expect((await readiness).parts).toMatchObject({
      thrower: { ok: false, detail: 'bang' },
      sleeper: { ok: false, detail: 'no answer within 2000 ms' },
    });
  } finally {
    vi.useRealTimers();
  }
});

test('a part that crashed makes it dead: the first one is told', async () => {
  health.started();
  health.crashed('relay', new Error('bang'));
  health.crashed('planner', new Error('afterwards'));
  expect(await ask('/livez')).toEqual([503, { status: 'relay crashed: bang' }]);
  expect((await ask('/readyz'))[0]).toBe(503);
});

test('metrics are given as Prometheus reads them', async () => {
  expect(await ask('/metrics')).toEqual([200, 'solstice_up 1\n']);
});
