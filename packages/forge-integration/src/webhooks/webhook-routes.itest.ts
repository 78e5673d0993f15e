import { createHmac, randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { Secret } from '@solstice/common/config';
import {
  examplePush,
  exampleRepository,
  forgejoHeaders,
  forgejoPayloads,
  githubHeaders,
  githubPayloads,
  NO_COMMIT,
} from '@solstice/testing';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sendGitPush } from '../forges/git/git-webhook.js';
import { FORGE_TOKEN, type Installation, makeInstallation, WEBHOOK_SECRET } from '../testing/installation.js';
import type { WebhookAnswer } from './webhook-routes.js';

let here: Installation;
beforeEach(async () => {
  here = await makeInstallation();
});
afterEach(() => here[Symbol.asyncDispose]());

const secret = new Secret(WEBHOOK_SECRET);
const githubRepository = exampleRepository({ id: 501 });
const gitPush = {
  repository: 'hello',
  ref: 'refs/heads/main',
  before: NO_COMMIT,
  after: 'a'.repeat(40),
  pusher: 'mira',
};

const stored = () => here.store.deliveries.list({ limit: 100 });
const waiting = () => here.store.outbox.peek(100);
async function post(forge: string, body: string | Uint8Array, headers: Record<string, string>) {
  const response = await fetch(here.hookUrl(forge), { method: 'POST', headers, body });
  return { status: response.status, headers: response.headers, answer: (await response.json()) as WebhookAnswer };
}
const postGithub = (body: string, headers: Record<string, string> = {}, event = 'push', key = WEBHOOK_SECRET) =>
  post('hub', body, { ...githubHeaders(event, key, body), ...headers });
const pushBody = (overrides = {}) =>
  JSON.stringify(githubPayloads.push(examplePush({ repository: githubRepository, ...overrides })).body);

describe('202', () => {
  test('a push of each forge is in the inbox, with its message, before it is answered', async () => {
    const github = await postGithub(pushBody());
    const forgejo = await here
      .sender('forgejo')
      .deliver(forgejoPayloads.push(examplePush({ repository: exampleRepository({ id: 7 }) })));
    const git = await sendGitPush({
      url: here.hookUrl('local'),
      secret,
      deliveryId: randomUUID(),
      push: gitPush,
      signal: AbortSignal.timeout(5000),
    });
    expect([github.status, forgejo.status, git.status]).toEqual([202, 202, 202]);
    expect(github.answer).toEqual({ delivery: expect.any(String), state: 'received' });
    const rows = await stored();
    expect(rows.map(({ forge, state, event }) => [forge, state, event?.kind])).toEqual([
      ['local', 'received', 'forge.push.v1'],
      ['forgejo', 'received', 'forge.push.v1'],
      ['hub', 'received', 'forge.push.v1'],
    ]);
    expect((await waiting()).map(({ message }) => message)).toEqual(
      rows.reverse().map(({ id, forge, event }) => ({ kind: 'delivery', version: 2, deliveryId: id, forge, event })),
    );
  });

  test('an event that is not used is stored as ignored, with the reason, and wakes nobody', async () => {
    const { event, body } = githubPayloads.ping(githubRepository, 'mira');
    const { status, answer } = await postGithub(JSON.stringify(body), {}, event);
    expect({ status, answer }).toEqual({
      status: 202,
      answer: { delivery: expect.any(String), state: 'ignored', reason: 'ping: the webhook works' },
    });
    expect(await stored()).toMatchObject([{ state: 'ignored', reason: 'ping: the webhook works', eventName: 'ping' }]);
    expect(await waiting()).toEqual([]);
  });

  test("an organisation's ping names no repository: there is nothing to store it under", async () => {
    const { event, body } = githubPayloads.ping(undefined, 'mira');
    const { status, answer } = await postGithub(JSON.stringify(body), {}, event);
    expect({ status, answer }).toEqual({
      status: 202,
      answer: { state: 'ignored', reason: 'ping: the webhook works' },
    });
    expect(await stored()).toEqual([]);
  });

  test('a redelivery changes nothing and says so, even with another body', async () => {
    const id = randomUUID();
    const first = await postGithub(pushBody(), { 'x-github-delivery': id });
    const again = await postGithub(pushBody(), { 'x-github-delivery': id });
    const other = await postGithub(pushBody({ after: 'e'.repeat(40) }), { 'x-github-delivery': id });
    for (const { status, answer } of [again, other]) {
      expect(status).toBe(202);
      expect(answer).toEqual({
        delivery: first.answer.delivery,
        state: 'received',
        reason: 'received before; nothing was changed',
        redelivery: true,
      });
    }
    expect(await stored()).toHaveLength(1);
    expect(await waiting()).toHaveLength(1);
  });

  test('ten of one id at once are one', async () => {
    const id = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => postGithub(pushBody(), { 'x-github-delivery': id })),
    );
    expect(answers.filter(({ answer }) => !answer.redelivery)).toHaveLength(1);
    expect(await stored()).toHaveLength(1);
    expect(await waiting()).toHaveLength(1);
  });

  test('a twin under another id is ignored, and names the first', async () => {
    const first = await postGithub(pushBody());
    const twin = await postGithub(pushBody());
    expect(twin).toMatchObject({
      status: 202,
      answer: { state: 'ignored', reason: expect.stringContaining('duplicate of') },
    });
    expect(twin.answer.delivery).not.toBe(first.answer.delivery);
    expect(await waiting()).toHaveLength(1);
  });

  test('a renamed repository is found by its number', async () => {
    await postGithub(pushBody());
    const renamed = { ...githubRepository, fullName: 'team/renamed' };
    expect((await postGithub(pushBody({ repository: renamed, after: 'e'.repeat(40) }))).status).toBe(202);
    const [second, first] = await stored();
    expect(second?.repositoryId).toBe(first?.repositoryId);
  });

  test('a charset in the content type is fine', async () => {
    expect((await postGithub(pushBody(), { 'content-type': 'Application/JSON; charset=utf-8' })).status).toBe(202);
  });
});

describe('401, and nothing written', () => {
  afterEach(async () => {
    expect(await stored()).toEqual([]);
    expect(await waiting()).toEqual([]);
    expect(here.faulty.calls.filter((call) => call === 'repositories.resolve')).toEqual([]);
  });

  test.each(['hub', 'forgejo', 'local'])('%s: no signature', async (forge) => {
    const { status, answer } = await post(forge, '{}', { 'content-type': 'application/json' });
    expect(status).toBe(401);
    expect(answer.reason).toContain('signature');
  });

  test('GitHub: wrong, of another body, without prefix, sha1 only, empty', async () => {
    const body = pushBody();
    const good = githubHeaders('push', WEBHOOK_SECRET, body)['x-hub-signature-256'] ?? '';
    const wrong = githubHeaders('push', 'another secret', body)['x-hub-signature-256'] ?? '';
    for (const signature of [
      wrong,
      good.slice('sha256='.length),
      `${good}0`,
      '',
      'sha256=',
      good.replace('sha256', 'sha1'),
    ]) {
      expect((await postGithub(body, { 'x-hub-signature-256': signature })).status).toBe(401);
    }
    const other = githubHeaders('push', WEBHOOK_SECRET, `${body} `)['x-hub-signature-256'] ?? '';
    expect((await postGithub(body, { 'x-hub-signature-256': other })).status).toBe(401);
    expect((await postGithub(body, { 'x-hub-signature-256': `${good}, ${good}` })).status).toBe(401);
  });

  test('Forgejo: empty, as it is sent by a hook without a secret, and GitHub-style only', async () => {
    const { event, body } = forgejoPayloads.push(examplePush({ repository: exampleRepository({ id: 7 }) }));
    const text = JSON.stringify(body);
    expect((await post('forgejo', text, forgejoHeaders(event, '', text))).status).toBe(401);
    const signed = forgejoHeaders(event, WEBHOOK_SECRET, text);
    const { 'x-forgejo-signature': _own, ...withoutOwn } = signed;
    expect((await post('forgejo', text, withoutOwn)).status).toBe(401);
    expect((await post('forgejo', text, { ...signed, 'x-forgejo-signature': '' })).status).toBe(401);
  });

  test('an empty body with the signature of another', async () => {
    const headers = githubHeaders('push', WEBHOOK_SECRET, 'x');
    expect((await post('hub', '', headers)).status).toBe(401);
  });

  test('the body is not even parsed before the signature is right', async () => {
    expect((await postGithub('not json', { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` })).status).toBe(401);
  });

  test("one repository's own secret counts for no other, and the forge's does not count for it", async () => {
    const own = 'own-secret';
    const { row } = here.repositories.hub;
    await here.store.repositories.upsert({ ...row, sealedWebhookSecret: here.sealer.seal(own) });
    await here.store.repositories.upsert({
      ...row,
      name: 'team/other',
      forgeRepositoryId: '502',
      sealedWebhookSecret: undefined,
    });
    const otherBody = pushBody({ repository: { ...githubRepository, id: 502, fullName: 'team/other' } });
    expect((await postGithub(otherBody, {}, 'push', own)).status).toBe(401);
    expect((await postGithub(pushBody(), {}, 'push', WEBHOOK_SECRET)).status).toBe(401);
    // Nor does it open what is not known, or names nobody.
    const strange = pushBody({ repository: { ...githubRepository, id: 999, fullName: 'team/strange' } });
    expect((await postGithub(strange, {}, 'push', own)).status).toBe(401);
    const { event, body } = githubPayloads.ping(undefined, 'mira');
    expect((await postGithub(JSON.stringify(body), {}, event, own)).status).toBe(401);
  });

  test('a secret sealed with a lost key lets nobody in', async () => {
    const { row } = here.repositories.hub;
    await here.store.repositories.upsert({ ...row, sealedWebhookSecret: new Uint8Array(60) });
    expect((await postGithub(pushBody())).status).toBe(401);
  });
});

test("a repository's own secret opens its own door", async () => {
  const { row } = here.repositories.hub;
  await here.store.repositories.upsert({ ...row, sealedWebhookSecret: here.sealer.seal('own-secret') });
  expect((await postGithub(pushBody(), {}, 'push', 'own-secret')).status).toBe(202);
});

describe('400, 404, 413, 415', () => {
  afterEach(async () => {
    expect(await stored()).toEqual([]);
    expect(await waiting()).toEqual([]);
  });

  test('400: signed, but not JSON', async () => {
    for (const body of ['{', '', 'payload=%7B%7D', '\u0000']) {
      const { status, answer } = await postGithub(body);
      expect({ status, reason: answer.reason }).toEqual({ status: 400, reason: 'the body is not JSON' });
    }
  });

  test('400: JSON, but no push', async () => {
    for (const body of ['null', '[]', '{}', pushBody({ ref: 'main' }), pushBody({ after: 'HEAD', head: undefined })]) {
      const { status, answer } = await postGithub(body);
      expect(status).toBe(400);
      expect(answer.reason).toContain('push');
    }
  });

  test('400: no delivery id, or no event', async () => {
    for (const name of ['x-github-delivery', 'x-github-event']) {
      for (const value of ['', 'x'.repeat(201), 'two words']) {
        expect((await postGithub(pushBody(), { [name]: value })).status).toBe(400);
      }
    }
  });

  test('400: a delivery id like that of a tick, whose place in the inbox it would take', async () => {
    for (const id of ['schedule:12:2026-01-02T03:00:00.000Z', 'schedule:']) {
      const { status, answer } = await postGithub(pushBody(), { 'x-github-delivery': id });
      expect({ status, reason: answer.reason }).toEqual({
        status: 400,
        reason: 'a delivery id that begins with schedule: is kept for the ticks of schedules; a forge may not use it',
      });
    }
  });

  test('404: no such forge, before anything is read', async () => {
    const { status, answer } = await post('nowhere', '{}', { 'content-type': 'text/plain' });
    expect({ status, answer }).toEqual({ status: 404, answer: { reason: 'there is no such forge' } });
    expect(here.faulty.calls).not.toContain('repositories.list');
  });

  test('404: authentic, but a repository that is not known, for used and unused events', async () => {
    const repository = { ...githubRepository, id: 999, fullName: 'team/strange' };
    const { event, body } = githubPayloads.ping(repository, 'mira');
    for (const answer of [
      await postGithub(pushBody({ repository })),
      await postGithub(JSON.stringify(body), {}, event),
    ]) {
      expect(answer.status).toBe(404);
      expect(answer.answer.reason).toBe('forge hub has no repository team/strange here; ciadm repo add makes it known');
    }
  });

  test('404: a repository that took the name of another is not that one', async () => {
    await here.store.repositories.resolve('hub', { forgeRepositoryId: '501', name: 'team/tool' });
    const repository = { ...githubRepository, id: 777 };
    expect((await postGithub(pushBody({ repository }))).status).toBe(404);
  });

  test('415: form-encoded says what to set; others too', async () => {
    const form = await postGithub(`payload=${encodeURIComponent(pushBody())}`, {
      'content-type': 'application/x-www-form-urlencoded',
    });
    expect(form.status).toBe(415);
    expect(form.answer.reason).toContain('set the content type of the webhook to application/json');
    for (const type of [
      'text/plain',
      'application/xml',
      'application/json-patch+json',
      'multipart/form-data; boundary=x',
    ]) {
      expect((await postGithub(pushBody(), { 'content-type': type })).status).toBe(415);
    }
    expect(await postWithout('hub', 'content-type')).toBe(415);
  });

  test('413: over 25 MB, said beforehand or found out on the way', async () => {
    expect(await postSized('hub', 25 * 1024 * 1024 + 1, true)).toBe(413);
    expect(await postSized('hub', 25 * 1024 * 1024 + 1, false)).toBe(413);
  });
});

test('just under 25 MB is taken', async () => {
  const body = pushBody();
  const padded = `${body.slice(0, -1)},"padding":"${'x'.repeat(25 * 1024 * 1024 - body.length - 20)}"}`;
  expect((await postGithub(padded)).status).toBe(202);
});

describe('503', () => {
  test.each(['repositories.list', 'repositories.resolve', 'deliveries.accept'] as const)(
    '%s finds no database',
    async (call) => {
      here.faulty.fail(call, 'before');
      const away = await postGithub(pushBody());
      expect(away.status).toBe(503);
      expect(Number(away.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await stored()).toEqual([]);
      expect(await waiting()).toEqual([]);
      expect((await postGithub(pushBody())).status).toBe(202);
    },
  );

  test('stored, but the answer was lost: sent again, it is the same one', async () => {
    const id = randomUUID();
    here.faulty.fail('deliveries.accept', 'after');
    expect((await postGithub(pushBody(), { 'x-github-delivery': id })).status).toBe(503);
    expect(await postGithub(pushBody(), { 'x-github-delivery': id })).toMatchObject({
      status: 202,
      answer: { redelivery: true },
    });
    expect(await stored()).toHaveLength(1);
    expect(await waiting()).toHaveLength(1);
  });
});

describe('--dev', () => {
  test('a forge without any secret takes unsigned deliveries', async () => {
    await using dev = await makeInstallation({ allowUnsigned: true, secrets: false });
    const answer = await sendGitPush({
      url: dev.hookUrl('local'),
      secret: undefined,
      deliveryId: randomUUID(),
      push: gitPush,
      signal: AbortSignal.timeout(5000),
    });
    expect(answer.status).toBe(202);
  });

  test('with one secret anywhere in the forge, it does not', async () => {
    await using dev = await makeInstallation({ allowUnsigned: true, secrets: false });
    const { row } = dev.repositories.local;
    await dev.store.repositories.upsert({ ...row, name: 'other', sealedWebhookSecret: dev.sealer.seal('s') });
    const answer = await sendGitPush({
      url: dev.hookUrl('local'),
      secret: undefined,
      deliveryId: randomUUID(),
      push: gitPush,
      signal: AbortSignal.timeout(5000),
    });
    expect(answer.status).toBe(401);
  });

  test('without --dev, no secret means no entry', async () => {
    await using bare = await makeInstallation({ secrets: false });
    const answer = await sendGitPush({
      url: bare.hookUrl('local'),
      secret: undefined,
      deliveryId: randomUUID(),
      push: gitPush,
      signal: AbortSignal.timeout(5000),
    });
    expect(answer).toMatchObject({ status: 401, answer: { reason: 'no webhook secret is set for forge local' } });
  });
});

test('no signed payload whatever brings it down', async () => {
  const strings = fc.string({ unit: 'binary', maxLength: 30 });
  const edits = fc.array(
    fc.tuple(
      fc.constantFrom('ref', 'before', 'after', 'repository', 'pusher', 'sender', 'head_commit'),
      fc.oneof(fc.jsonValue(), strings),
    ),
    { maxLength: 3 },
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('push', 'create', 'x'), edits, async (event, changes) => {
      const body: Record<string, unknown> = JSON.parse(pushBody());
      for (const [field, value] of changes) body[field] = value;
      const { status } = await postGithub(JSON.stringify(body), {}, event);
      expect([202, 400, 404]).toContain(status);
    }),
    { numRuns: 60 },
  );
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      const signature = `sha256=${createHmac('sha256', WEBHOOK_SECRET).update(bytes).digest('hex')}`;
      const headers = { ...githubHeaders('push', '', ''), 'x-hub-signature-256': signature };
      expect((await post('hub', bytes, headers)).status).toBe(400);
    }),
    { numRuns: 40 },
  );
});

test('no answer holds a secret', async () => {
  const answers = [
    await postGithub(pushBody()),
    await postGithub('x'),
    await postGithub(pushBody(), {}, 'push', 'wrong'),
  ];
  const shown = JSON.stringify(answers);
  for (const value of [WEBHOOK_SECRET, FORGE_TOKEN]) expect(shown).not.toContain(value);
});

/** fetch always says a content type for text; this doesn't. */
function postWithout(forge: string, _header: 'content-type'): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(here.hookUrl(forge), { method: 'POST' }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.once('error', reject);
    request.end('{}');
  });
}

/** Sends as much as the server takes, and gives its answer's status. */
function postSized(forge: string, bytes: number, withLength: boolean): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', ...(withLength && { 'content-length': bytes }) };
    const request = httpRequest(here.hookUrl(forge), { method: 'POST', headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
      request.destroy();
    });
    let answered = false;
    request.once('response', () => {
      answered = true;
    });
    request.on('error', (error) => (answered ? undefined : reject(error)));
    const chunk = Buffer.alloc(1024 * 1024, ' ');
    let left = bytes;
    const more = () => {
      while (left > 0 && !answered) {
        const part = chunk.subarray(0, Math.min(left, chunk.length));
        left -= part.length;
        if (!request.write(part)) return void request.once('drain', more);
      }
      if (!answered) request.end();
    };
    more();
  });
}
