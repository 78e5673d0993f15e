import { type ForgeSettings, Secret } from '@solstice/common/config';
import type { Repository } from '@solstice/common/store';
import { expect, test } from 'vitest';
import { assertWebhookSecrets } from './assert-webhook-secrets.js';

const forge = (id: string, overrides: Partial<ForgeSettings> = {}): ForgeSettings => ({
  id,
  kind: 'git',
  url: undefined,
  token: undefined,
  webhookSecret: undefined,
  repositories: [],
  ...overrides,
});
const repository = (forgeId: string, name: string, sealed?: Uint8Array): Repository => ({
  id: name,
  forge: forgeId,
  forgeRepositoryId: undefined,
  name,
  cloneUrl: `/srv/${name}`,
  defaultBranch: undefined,
  sealedWebhookSecret: sealed,
  origin: 'operator',
  createdAt: new Date(0),
});
const secret = new Secret('s3cret-value');

test('every place without a secret is named, and no secret is', () => {
  const forges = [
    forge('local', {
      repositories: [
        { name: 'a', cloneUrl: '/srv/a', webhookSecret: secret },
        { name: 'b', cloneUrl: '/srv/b', webhookSecret: undefined },
      ],
    }),
    forge('empty'),
    forge('fine', {
      webhookSecret: secret,
      repositories: [{ name: 'x', cloneUrl: undefined, webhookSecret: undefined }],
    }),
    forge('blank', { webhookSecret: new Secret('') }),
  ];
  const stored = [repository('local', 'c'), repository('local', 'd', new Uint8Array(1)), repository('gone', 'e')];
  let message = '';
  try {
    assertWebhookSecrets(forges, stored, { dev: false });
  } catch (error) {
    expect(error).toMatchObject({ code: 'webhook-secret-missing' });
    message = (error as Error).message;
  }
  expect(message).toBe(
    'no webhook secret is set for repository b of forge local, repository c of forge local, forge empty, forge blank',
  );
  expect(() => assertWebhookSecrets(forges, stored, { dev: true })).not.toThrow();
});

test('a sealed secret in the database is one', () => {
  const forges = [forge('local', { repositories: [{ name: 'a', cloneUrl: '/srv/a', webhookSecret: undefined }] })];
  expect(() =>
    assertWebhookSecrets(forges, [repository('local', 'a', new Uint8Array(1))], { dev: false }),
  ).not.toThrow();
});
