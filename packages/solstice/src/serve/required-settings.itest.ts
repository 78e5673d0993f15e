import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@solstice/common/clock';
import { parseSettings } from '@solstice/common/config';
import { createSealer } from '@solstice/common/secrets';
import { createMemoryStore } from '@solstice/common/store';
import { temporaryDirectory } from '@solstice/testing';
import { expect, test } from 'vitest';
import { parseRoles } from '../roles/names.js';
import { assertSealingKey, sealingHealth } from '../roles/sealing.js';
import { assertFleetSettings, fleetWarnings } from './required-settings.js';

const machine = { cpus: 1, memoryBytes: 1e9, hostname: 'alder', uid: 0, home: '/root' };
const settingsOf = (directory: string, text: string) =>
  parseSettings(`data_dir ${JSON.stringify(directory)}\n${text}`, join(directory, 'solstice.kdl'), {}, machine);

test('everything that is missing is told at once, with where it is set', async () => {
  await using directory = await temporaryDirectory();
  const settings = settingsOf(directory.path, '');
  const check = (roles: string) => assertFleetSettings(settings, parseRoles(roles));
  expect(() => check('forge')).toThrow(
    /database_url_file: .*SOLSTICE_DATABASE_URL_FILE[\s\S]*queue_url_file: [\s\S]*secret_key_file: [\s\S]*/,
  );
  expect(() => check('forge')).toThrow(join(directory.path, 'solstice.kdl'));
  expect(() => check('orchestrator,relay')).not.toThrow(/secret_key_file/);
});

test('the key of a data directory that was a single node counts', async () => {
  await using directory = await temporaryDirectory();
  const settings = settingsOf(directory.path, 'database_url "postgres://u@db/s"\nqueue_url "amqp://mq"');
  expect(() => assertFleetSettings(settings, parseRoles('api'))).toThrow(/secret_key_file/);
  writeFileSync(join(directory.path, 'secret.key'), '');
  assertFleetSettings(settings, parseRoles('api'));
});

test('what is probably not meant is told: links that lead here alone, a token of its own', async () => {
  await using directory = await temporaryDirectory();
  const warnings = (text: string, roles: string) => fleetWarnings(settingsOf(directory.path, text), parseRoles(roles));
  expect(warnings('', 'forge,api')).toEqual([
    expect.stringContaining('public_url'),
    expect.stringContaining('operator_token_file'),
  ]);
  expect(warnings('public_url "https://ci.example.org"\noperator_token_file "t"', 'forge,api')).toEqual([]);
  expect(warnings('', 'orchestrator')).toEqual([]);
});

test('a node with another key than the rest is told whose secrets it cannot open', async () => {
  const store = createMemoryStore({ clock: systemClock, idSource: randomUUID });
  const ours = createSealer(new Uint8Array(32).fill(1));
  const theirs = createSealer(new Uint8Array(32).fill(2));
  const add = (name: string, sealed: Uint8Array | undefined) =>
    store.repositories.upsert({
      forge: 'code',
      forgeRepositoryId: undefined,
      name,
      cloneUrl: '',
      defaultBranch: undefined,
      sealedWebhookSecret: sealed,
      origin: 'operator',
    });
  await add('acme/plain', undefined);
  await add('acme/app', ours.seal('s'));
  expect(await sealingHealth(store, ours)).toMatchObject({ ok: true });
  await assertSealingKey(store, ours);
  await add('acme/web', theirs.seal('s'));
  const failure = assertSealingKey(store, theirs);
  await expect(failure).rejects.toMatchObject({ code: 'sealed-value-unreadable', hint: /--new-secret-key/ });
  await expect(failure).rejects.toThrow(`acme/app cannot be opened: the value was sealed with key ${ours.keyId}`);
});
