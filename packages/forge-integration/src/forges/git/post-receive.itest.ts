import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Secret } from '@solstice/common/config';
import type { PushEvent } from '@solstice/common/forge';
import { type BareRepository, NO_COMMIT } from '@solstice/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Installation, makeInstallation, WEBHOOK_SECRET, WORKFLOW } from '../../testing/installation.js';
import { postReceive } from './post-receive.js';

let here: Installation;
let git: BareRepository;
let printed: string[];
const servers: Server[] = [];
beforeEach(async () => {
  here = await makeInstallation();
  git = here.repositories.local.hosted.git;
  printed = [];
});
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await here[Symbol.asyncDispose]();
});

const run = (lines: string, overrides: Partial<Parameters<typeof postReceive>[0]> = {}) =>
  postReceive({
    lines,
    url: here.hookUrl('local'),
    repository: 'hello',
    secret: new Secret(WEBHOOK_SECRET),
    gitDirectory: git.path,
    pusher: 'mira',
    environment: { PATH: process.env.PATH, GIT_DIR: '.', GIT_QUARANTINE_PATH: '/nowhere' },
    print: (line) => printed.push(line),
    ...overrides,
  });
const events = async () =>
  (await here.store.deliveries.list({ limit: 100 })).map(({ event }) => event as PushEvent).reverse();

/** Answers with the next of these; then passes on to the real one. */
async function flaky(answers: (number | 'disconnect' | 'lost')[]): Promise<{ url: string; ids: string[] }> {
  const ids: string[] = [];
  const server = createServer(async (request, response) => {
    ids.push(String(request.headers['x-solstice-delivery']));
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const next = answers.shift();
    if (next === 'disconnect') return void response.destroy();
    if (typeof next === 'number') return void response.writeHead(next).end('<html>not JSON</html>');
    const passed = await fetch(here.hookUrl('local'), {
      method: 'POST',
      headers: Object.entries(request.headers).filter(([name]) => /^x-solstice|content-type/.test(name)) as [
        string,
        string,
      ][],
      body: Buffer.concat(chunks),
    });
    if (next === 'lost') return void response.destroy();
    response.writeHead(passed.status).end(await passed.text());
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, ids };
}

test('created, moved, forced and deleted refs are told as such', async () => {
  const one = await git.commit({ files: { '.solstice/a.kdl': WORKFLOW }, message: 'First\n\nMore.' });
  const two = await git.commit({ files: { x: '2' }, message: 'Second' });
  const other = await git.commit({ branch: 'other', files: { x: '3' }, parents: [], message: 'Apart' });
  const lines = [
    `${NO_COMMIT} ${one} refs/heads/created`,
    `${one} ${two} refs/heads/moved`,
    `${two} ${other} refs/heads/forced`,
    `${two} ${NO_COMMIT} refs/heads/deleted`,
  ];
  expect(await run(`${lines.join('\n')}\n`)).toEqual({ delivered: 4, undelivered: 0 });
  const told = Object.fromEntries((await events()).map((event) => [event.ref.slice('refs/heads/'.length), event]));
  expect(told.created).toMatchObject({
    created: true,
    deleted: false,
    forced: false,
    title: 'First',
    pusher: { login: 'mira' },
  });
  expect(told.moved).toMatchObject({ created: false, deleted: false, forced: false, title: 'Second' });
  expect(told.forced).toMatchObject({ created: false, deleted: false, forced: true, title: 'Apart' });
  expect(told.deleted).toMatchObject({ created: false, deleted: true, forced: false });
  expect(printed.sort()).toEqual([
    `solstice: queued created ${one.slice(0, 8)}`,
    'solstice: queued deletion of deleted',
    `solstice: queued forced ${other.slice(0, 8)}`,
    `solstice: queued moved ${two.slice(0, 8)}`,
  ]);
});

test('an annotated tag is told by its commit, and notes are not told at all', async () => {
  const commit = await git.commit({ files: { x: '1' } });
  await git.git('tag', '-a', '-m', 'v1', 'v1', commit);
  const tag = await git.git('rev-parse', 'refs/tags/v1');
  await run(`${NO_COMMIT} ${tag} refs/tags/v1\n${NO_COMMIT} ${commit} refs/notes/solstice\n`);
  expect(await events()).toMatchObject([{ ref: 'refs/tags/v1', after: commit }]);
});

test('sent again under the same id until it is acknowledged, it is one delivery', async () => {
  const commit = await git.commit({ files: { x: '1' } });
  const { url, ids } = await flaky([503, 'disconnect', 429, 'lost']);
  expect(await run(`${NO_COMMIT} ${commit} refs/heads/main`, { url })).toEqual({ delivered: 1, undelivered: 0 });
  expect(ids).toHaveLength(5);
  expect(new Set(ids).size).toBe(1);
  expect(await events()).toHaveLength(1);
  expect(printed).toEqual([`solstice: queued main ${commit.slice(0, 8)}`]);
});

test('nobody at home: given up at the deadline, with the way out', async () => {
  const commit = await git.commit({ files: { x: '1' } });
  const outcome = await run(`${NO_COMMIT} ${commit} refs/heads/main`, {
    url: 'http://127.0.0.1:1/webhooks/local',
    deadlineMs: 400,
  });
  expect(outcome).toEqual({ delivered: 0, undelivered: 1 });
  expect(printed).toEqual([
    expect.stringMatching(/^solstice: NOT delivered: main: http:\/\/127\.0\.0\.1:1\/webhooks\/local: /),
    `solstice: run again with: cd '${git.path}' && echo '${NO_COMMIT} ${commit} refs/heads/main' | hooks/post-receive`,
  ]);
});

test('the command to run again is safe to paste, whatever the branch is called', async () => {
  const commit = await git.commit({ files: { x: '1' } });
  const ref = "refs/heads/it's;$(touch${IFS}x)";
  await run(`${NO_COMMIT} ${commit} ${ref}`, { repository: 'unknown' });
  const [, command = ''] = (printed[1] ?? '').split('run again with: ');
  const shown = execFileSync('sh', ['-c', command.replace('hooks/post-receive', 'cat')], { encoding: 'utf8' });
  expect(shown).toBe(`${NO_COMMIT} ${commit} ${ref}\n`);
});

test('a server that never answers does not hold the push up for ever', async () => {
  const server = createServer(() => {});
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const commit = await git.commit({ files: { x: '1' } });
  const began = performance.now();
  expect(await run(`${NO_COMMIT} ${commit} refs/heads/main`, { url, deadlineMs: 500 })).toEqual({
    delivered: 0,
    undelivered: 1,
  });
  expect(performance.now() - began).toBeLessThan(5_000);
});

test('a refusal is final, told with its reason, and shows no secret', async () => {
  const commit = await git.commit({ files: { x: '1' } });
  await run(`${NO_COMMIT} ${commit} refs/heads/main`, { secret: new Secret('wrong-secret') });
  await run(`${NO_COMMIT} ${commit} refs/heads/main`, { repository: 'unknown' });
  expect(printed[0]).toBe(
    'solstice: NOT delivered: main: HTTP 401: the signature is missing, or made with another secret',
  );
  expect(printed[2]).toContain('HTTP 404: forge local has no repository unknown here');
  expect(printed.join('\n')).not.toMatch(/wrong-secret|webhook-secret/);
  expect(await events()).toEqual([]);
});

test('the same push told twice is ignored the second time, and the pusher reads why', async () => {
  const commit = await git.commit({ files: { x: '1' } });
  const line = `${NO_COMMIT} ${commit} refs/heads/main`;
  await run(line);
  await run(line);
  expect(printed[1]).toMatch(new RegExp(`^solstice: ignored main ${commit.slice(0, 8)}: duplicate of`));
});

test('lines that are none are passed over', async () => {
  expect(await run(`\n\nnonsense\n${randomUUID()}\n`)).toEqual({ delivered: 0, undelivered: 0 });
  expect(printed).toEqual([]);
});
