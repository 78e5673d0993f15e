import type { WallClock } from '@solstice/common/clock';
import type { GateSpec } from '@solstice/common/flow';
import { describe, expect, onTestFinished, test } from 'vitest';
import { nodeFacts } from '../runs/node-facts.js';
import { type PlanOptions, serve, World } from '../testing/index.js';

const teams = [{ name: 'release', members: ['ada', 'grace'] }];

function gate(more: Partial<GateSpec> = {}): GateSpec {
  return { kind: 'gate', id: 'release', name: 'release', needs: [], approvers: [], count: 1, inputs: [], ...more };
}

/** A run whose gate comes after `build`, and what asks the API of it; `build` has succeeded unless it is said to wait. */
async function standing(
  more: Partial<GateSpec> = {},
  { clock, ...options }: PlanOptions & { waits?: true; clock?: WallClock } = {},
) {
  const world = new World(clock);
  const server = await serve(world.store, { operator: { teams } });
  onTestFinished(() => server.close());
  const { number } = await world.plan({
    jobs: { build: [], ship: ['release'] },
    nodes: [gate({ needs: ['build'], ...more })],
    values: { actor: 'linus' },
    ...options,
  });
  if (!options.waits) await (await world.work()).finish();
  const post = async (path: string, body: object = {}) => {
    const response = await fetch(`${server.operatorUrl}/api/v1/runs/${number}/gates/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as {
      error?: { code: string; message: string; hint: string; state?: string };
      repeated?: boolean;
    };
    return { status: response.status, ...answer };
  };
  return { world, server, client: server.client, number, post };
}

describe('an open gate', () => {
  test('says who may decide, what may be said with it, and what was said', async () => {
    const { client, number } = await standing({
      prompt: 'Ship c0ffee?',
      approvers: ['team:release', 'user:linus'],
      exclude: 'author',
      count: 2,
      inputs: [{ name: 'replicas', type: 'int', default: 4, min: 2, max: 12 }],
    });
    const before = (await client.run(number)).nodes.find(({ id }) => id === 'release');
    expect(before).toMatchObject({
      kind: 'gate',
      state: 'running',
      waitingFor: expect.stringContaining('2 of 2 approvals by team:release or user:linus, but not the author, linus'),
      gate: { open: true, prompt: 'Ship c0ffee?', count: 2, missing: 2, decisions: [], inputs: [{ min: 2 }] },
    });

    const { run } = await client.approve(number, 'release', { by: 'ada', inputs: { replicas: '6' }, reason: 'tried' });
    const after = run.nodes.find(({ id }) => id === 'release');
    expect(after).toMatchObject({
      state: 'running',
      gate: {
        open: true,
        missing: 1,
        decisions: [{ by: 'ada', verdict: 'approve', inputs: { replicas: '6' }, reason: 'tried' }],
      },
    });
  });

  test('lets the run past once enough have approved, with what they said as outputs', async () => {
    const { client, number, world } = await standing({
      approvers: ['team:release'],
      count: 2,
      inputs: [{ name: 'replicas', type: 'int', default: 4 }],
    });
    await client.approve(number, 'release', { by: 'ada', inputs: { replicas: '6' } });
    const { run, repeated } = await client.approve(number, 'release', { by: 'grace' });
    expect(repeated).toBe(false);
    expect(run.nodes.find(({ id }) => id === 'release')).toMatchObject({
      state: 'succeeded',
      gate: { open: false, missing: 0, decisions: [{ by: 'ada' }, { by: 'grace' }] },
    });
    const stored = await world.store.runs.find({ number });
    expect(stored?.nodes.find(({ id }) => id === 'release')?.outputs).toEqual({ replicas: '6' });
    await (await world.work()).finish();
    expect(await client.run(number)).toMatchObject({ state: 'succeeded' });
  });

  test('fails by one rejection, and holds back what needs it', async () => {
    const { client, number } = await standing({ count: 2 });
    await client.approve(number, 'release', { by: 'ada' });
    const { run } = await client.reject(number, 'release', { by: 'grace', reason: 'not on a Friday' });
    expect(run).toMatchObject({
      state: 'failed',
      nodes: [
        { id: 'build', state: 'succeeded' },
        { id: 'ship', state: 'skipped' },
        { id: 'release', state: 'failed', errorKind: 'rejected', causeText: 'rejected by grace: not on a Friday' },
      ],
    });
  });
});

describe('the state', () => {
  test('early: 409, with what it waits for', async () => {
    const { post } = await standing({}, { waits: true });
    expect(await post('release/approve', { by: 'ada' })).toMatchObject({
      status: 409,
      error: { code: 'refused', state: 'waiting', message: expect.stringContaining('not open yet: needs build') },
    });
  });

  test('late: 409, with how and by whom it was decided; the same person again: 200, and nothing changes', async () => {
    const { post, world, number } = await standing();
    expect(await post('release/approve', { by: 'ada' })).toMatchObject({ status: 200, repeated: false });
    const run = await world.store.runs.find({ number });
    const events = await world.store.runs.events(run?.id ?? '');
    expect(await post('release/approve', { by: 'ada' })).toMatchObject({ status: 200, repeated: true });
    for (const [path, by] of [
      ['release/approve', 'grace'],
      ['release/reject', 'ada'],
    ] as const) {
      expect(await post(path, { by })).toMatchObject({
        status: 409,
        error: { code: 'refused', state: 'succeeded', message: expect.stringContaining('approved by ada') },
      });
    }
    expect(await world.store.runs.events(run?.id ?? '')).toEqual(events);
  });

  test('a cancel beats a decision: 409 with the state', async () => {
    const { post, client, number } = await standing();
    await client.cancel(number, { by: 'ada' });
    expect(await post('release/approve', { by: 'ada' })).toMatchObject({ status: 409, error: { state: 'cancelled' } });
  });

  test('a request that is sent again is one decision', async () => {
    const { post, client, number } = await standing({ count: 2 });
    const said = { by: 'ada', requestId: 'first' };
    expect(await post('release/approve', said)).toMatchObject({ status: 200, repeated: false });
    expect(await post('release/approve', said)).toMatchObject({ status: 200, repeated: true });
    expect((await client.run(number)).nodes[2]?.gate).toMatchObject({ missing: 1, decisions: [{ by: 'ada' }] });
  });
});

describe('what is told of it afterwards', () => {
  const inputs: GateSpec['inputs'] = [{ name: 'replicas', type: 'int', default: 3 }];
  const toldOf = async ({ client }: Awaited<ReturnType<typeof standing>>, number: number) => {
    const node = (await client.run(number)).nodes.find(({ id }) => id === 'release');
    const why = (await client.why(number)).reasons.find(({ subject }) => subject === 'gate release');
    return { node, facts: node === undefined ? [] : nodeFacts(node), why: why?.text };
  };

  test('that its timeout approved it, and with what: to whoever comes late, and in a rerun', async () => {
    let atMs = 1_700_000_000_000;
    const clock = { now: () => new Date(atMs) };
    const there = await standing({ timeoutMs: 4_000, timeoutThen: 'approve', inputs }, { clock });
    const { world, client, number, post } = there;
    atMs += 4_000;
    expect(await world.store.timers.fire(10)).toMatchObject({ fired: 1 });
    const words = 'approved by its timeout, with replicas=3';
    expect(await toldOf(there, number)).toMatchObject({
      node: { state: 'succeeded', gate: { approvedByTimeout: { inputs: { replicas: '3' } }, decisions: [] } },
      facts: ['decided by anyone who may operate', words],
      why: words,
    });
    expect(await post('release/approve', { by: 'ada' })).toMatchObject({
      ...{
        status: 409,
        error: { message: `Gate release of run 1 cannot be approved: gate release is decided: ${words}` },
      },
    });

    await (await world.work()).finish({ state: 'failed', cause: { kind: 'out-of-memory' } });
    const again = await client.rerun(number, { failed: true });
    const { facts, why } = await toldOf(there, again.number);
    expect(facts).toEqual(['not done again: it ended so in run 1', 'decided by anyone who may operate', words]);
    expect(why).toBe(`not done again, it ended so in run 1: ${words}`);
  });

  test('of each person what was said last, and in a rerun too', async () => {
    const there = await standing({ count: 2, inputs });
    const { world, client, number } = there;
    await client.approve(number, 'release', { by: 'ada', inputs: { replicas: '5' } });
    await client.approve(number, 'release', { by: 'Ada', inputs: { replicas: '6' } });
    await client.approve(number, 'release', { by: 'grace', inputs: { replicas: '6' }, reason: 'tried' });
    const words = 'approved by Ada with replicas=6; approved by grace with replicas=6: tried';
    const { node, facts, why } = await toldOf(there, number);
    expect(node?.gate?.decisions.map(({ inputs: said }) => said.replicas)).toEqual(['5', '6', '6']);
    expect({ facts: facts.at(-1), why }).toEqual({ facts: words, why: words });

    await (await world.work()).finish({ state: 'failed', cause: { kind: 'out-of-memory' } });
    const again = await toldOf(there, (await client.rerun(number, { failed: true })).number);
    expect(again.facts.at(-1)).toBe(words);
    expect(again.why).toBe(`not done again, it ended so in run 1: ${words}`);
  });
});

describe('who may not', () => {
  test.each([
    ['is no approver', { approvers: ['user:ada', 'team:ops'] }, 'grace', 'user:ada or team:ops may'],
    ['caused the run', { exclude: 'author' as const }, 'linus', 'somebody else'],
    ['caused it, however the name is written', { exclude: 'author' as const }, 'Linus', 'somebody else'],
  ])('who %s: 403, and the gate stays open', async (_, more, by, words) => {
    const { post, client, number } = await standing(more);
    for (const path of ['release/approve', 'release/reject']) {
      const { status, error } = await post(path, { by });
      expect({ path, status, code: error?.code }).toEqual({ path, status: 403, code: 'forbidden' });
      expect(error?.message).toContain(words);
    }
    expect((await client.run(number)).nodes[2]).toMatchObject({ state: 'running', gate: { decisions: [] } });
  });

  test('the teams are those of the settings, not what is sent', async () => {
    const { post } = await standing({ approvers: ['team:release'] });
    expect(await post('release/approve', { by: 'mallory', teams: ['release'] })).toMatchObject({ status: 400 });
    expect(await post('release/approve', { by: 'mallory' })).toMatchObject({ status: 403 });
    expect(await post('release/approve', { by: 'grace' })).toMatchObject({ status: 200 });
  });
});

describe('what cannot be meant: 400, with what would be right', () => {
  const inputs: GateSpec['inputs'] = [
    { name: 'replicas', type: 'int', min: 2, max: 12 },
    { name: 'level', type: 'string', default: 'info', options: ['info', 'debug'] },
  ];

  test.each([
    [{ replicas: '1' }, 'replicas'],
    [{ replicas: 'many' }, 'replicas'],
    [{}, 'replicas'],
    [{ replicas: '4', level: 'loud' }, 'level'],
    [{ replicas: '4', levl: 'debug' }, 'did you mean "level"?'],
  ])('inputs %j', async (given, words) => {
    const { post, client, number } = await standing({ inputs });
    const { status, error } = await post('release/approve', { by: 'ada', inputs: given });
    expect({ status, code: error?.code }).toEqual({ status: 400, code: 'usage' });
    expect(error?.message).toContain(words);
    expect(error?.hint).toContain('replicas (a whole number from 2 to 12); level (info or debug; info if left out)');
    expect((await client.run(number)).nodes[2]?.gate?.decisions).toEqual([]);
  });

  test('a name that is no gate: what would be', async () => {
    const { post } = await standing();
    expect(await post('build/approve')).toMatchObject({
      status: 400,
      error: {
        message: expect.stringContaining('"build" of run 1 is a job, not a gate'),
        hint: 'The gates of run 1: release.',
      },
    });
    expect(await post('relese/approve')).toMatchObject({
      status: 404,
      error: { message: expect.stringContaining('did you mean "release"?') },
    });
  });

  test('the name of a matrix: its cells', async () => {
    const { post } = await standing(
      { id: 'release.eu' },
      { jobs: { build: [] }, bundles: { release: ['release.eu'] } },
    );
    expect(await post('release/approve')).toMatchObject({
      status: 400,
      error: { code: 'usage', hint: 'Say which: release.eu.' },
    });
    expect(await post('constructor/approve')).toMatchObject({ status: 404, error: { code: 'not-found' } });
    expect(await post('release.eu/approve')).toMatchObject({ status: 200 });
  });
});

test('why and the run page name the open gates and the commands that decide them', async () => {
  const { client, number, world } = await standing({
    prompt: '<b>Ship</b>?',
    inputs: [{ name: 'replicas', type: 'int' }],
  });
  const commands = 'ciadm approve 1 release --input replicas=… or ciadm reject 1 release';
  const why = await client.why(number);
  expect(why.summary).toBe('run 1 is running: 0 of its 2 jobs running, 1 waiting, 1 gate to be decided');
  expect(why.reasons.find(({ subject }) => subject === 'gate release')?.text).toContain(commands);

  const { url } = await client.run(number);
  const page = async () => /<p class="gates" id="run-gates">(.*?)<\/p>/s.exec(await (await fetch(url)).text())?.[1];
  expect(await page()).toBe(`gate release “&lt;b&gt;Ship&lt;/b&gt;?”: ${commands}`);
  await client.approve(number, 'release', { by: 'ada', inputs: { replicas: '3' }, reason: 'tried' });
  expect(await page()).toBe('');
  expect((await client.why(number)).reasons).toContainEqual({
    subject: 'gate release',
    state: 'succeeded',
    text: 'approved by ada with replicas=3: tried',
  });
  await (await world.work()).finish();
});
