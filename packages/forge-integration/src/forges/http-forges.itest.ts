import { type ForgeSettings, Secret } from '@solstice/common/config';
import type { CheckState } from '@solstice/common/store';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Installation, makeInstallation, silent, WORKFLOW } from '../testing/installation.js';
import { createForges } from './create-forges.js';
import type { Forge } from './forge.js';

let here: Installation;
let commit: string;
beforeEach(async () => {
  here = await makeInstallation();
});
afterEach(() => here[Symbol.asyncDispose]());

const soon = () => AbortSignal.timeout(20_000);
const state: CheckState = { state: 'succeeded', title: 'Fine', text: '', pageKey: undefined };

describe.each(['hub', 'forgejo'] as const)('when the server has a bad day: %s', (id) => {
  let forge: Forge;
  const server = () => (id === 'hub' ? here.github : here.forgejo);
  const repository = () => here.repositories[id].row;
  const read = (signal = soon()) => forge.readWorkflowFiles(repository(), commit, signal);
  const report = (signal = soon()) => forge.reportCheck(repository(), commit, 'solstice/A', state, undefined, signal);
  beforeEach(async () => {
    forge = here.forges.get(id) as Forge;
    commit = await here.repositories[id].hosted.git.commit({ files: { '.solstice/a.kdl': WORKFLOW } });
  });

  test.each([500, 502, 503, 429])('HTTP %i is no answer, and nothing is retried inside', async (status) => {
    server().misbehave({ times: 2, status, headers: { 'retry-after': '7' } });
    await expect(read()).rejects.toMatchObject({ problem: 'unavailable', retryAfterMs: 7000 });
    await expect(report()).rejects.toMatchObject({ problem: 'unavailable', retryAfterMs: 7000 });
    expect(server().requests).toHaveLength(2);
    expect(await read()).toHaveLength(1);
  });

  test('a 5xx in the middle of the files is no shorter list', async () => {
    server().misbehave({ times: 1, status: 500, when: ({ path }) => /raw|blobs/.test(path) });
    await expect(read()).rejects.toMatchObject({ problem: 'unavailable' });
  });

  test('a 500 while looking for a missing commit does not make it gone', async () => {
    server().misbehave({ times: 9, status: 500, when: ({ path }) => path.includes('/git/commits/') });
    await expect(forge.readWorkflowFiles(repository(), 'dead'.repeat(10), soon())).rejects.toMatchObject({
      problem: 'unavailable',
    });
  });

  test('no answer in time, a broken connection, and nobody at home', async () => {
    server().misbehave({ times: 1, delayMs: Number.POSITIVE_INFINITY });
    await expect(read(AbortSignal.timeout(100))).rejects.toMatchObject({ problem: 'unavailable' });
    server().misbehave({ times: 1, disconnect: true });
    await expect(report()).rejects.toMatchObject({ problem: 'unavailable' });
    await server().close();
    // The first may still go out on a connection that is just breaking.
    await expect(read()).rejects.toMatchObject({ problem: 'unavailable' });
    await expect(read()).rejects.toMatchObject({
      problem: 'unavailable',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('an answer that was lost: the same sent again does no harm', async () => {
    server().misbehave({ times: 1, disconnect: true, afterwards: true });
    await expect(report()).rejects.toMatchObject({ problem: 'unavailable' });
    await report();
    expect(server().statuses.map((one) => one.state)).toEqual(['success', 'success']);
    expect(server().statusesOf(commit).size).toBe(1);
  });

  test('a wrong token, and none at all', async () => {
    const settings = here.settings.find((one) => one.id === id) as ForgeSettings;
    const make = (token: Secret | undefined) =>
      createForges([{ ...settings, token }], {
        logger: silent,
        cacheDirectory: here.directory.path,
        environment: { PATH: process.env.PATH },
      }).get(id) as Forge;
    const wrong = make(new Secret('not-the-token'));
    await expect(wrong.readWorkflowFiles(repository(), commit, soon())).rejects.toMatchObject({
      problem: 'refused',
      retryable: false,
    });
    await expect(wrong.reportCheck(repository(), commit, 'c', state, undefined, soon())).rejects.toMatchObject({
      problem: 'refused',
      message: expect.not.stringContaining('not-the-token'),
    });
    const none = make(undefined);
    await expect(none.readWorkflowFiles(repository(), commit, soon())).rejects.toMatchObject({ problem: 'refused' });
    await expect(none.reportCheck(repository(), commit, 'c', state, undefined, soon())).rejects.toMatchObject({
      problem: 'refused',
    });
    expect(server().statuses).toEqual([]);
  });

  test('a 403 that is a refusal is none that passes by itself', async () => {
    server().misbehave({ times: 1, status: 403, message: 'Resource not accessible by personal access token' });
    await expect(report()).rejects.toMatchObject({
      problem: 'refused',
      message: expect.stringContaining('not accessible'),
    });
    server().misbehave({ times: 1, status: 403, message: 'You have exceeded a secondary rate limit' });
    await expect(report()).rejects.toMatchObject({ problem: 'unavailable' });
  });
});
