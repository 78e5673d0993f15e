import { describe, expect, it } from 'vitest';
import { newRepository, type Scene } from './scene.js';

export function describeRepositories(scene: () => Scene): void {
  describe('repositories', () => {
    it('have one row for a forge and name, and keep what an upsert leaves out', async () => {
      const { repositories } = scene().store;
      const sealed = new Uint8Array([1, 2, 3]);
      const first = await repositories.upsert(
        newRepository('octo/app', { sealedWebhookSecret: sealed, defaultBranch: 'main', forgeRepositoryId: '7' }),
      );
      const second = await repositories.upsert(newRepository('octo/app', { cloneUrl: 'https://new.example/app.git' }));
      expect(second).toEqual({ ...first, cloneUrl: 'https://new.example/app.git' });
      expect(second.createdAt).toBeInstanceOf(Date);
      expect(Buffer.from(second.sealedWebhookSecret ?? []).equals(sealed)).toBe(true);
      await repositories.upsert(newRepository('octo/app', { forge: 'another' }));
      await repositories.upsert(newRepository('acme/lib'));
      expect((await repositories.list()).map((row) => [row.forge, row.name])).toEqual([
        ['another', 'octo/app'],
        ['forge', 'acme/lib'],
        ['forge', 'octo/app'],
      ]);
      expect(await repositories.get(first.id)).toEqual(second);
      expect(await repositories.get('3f1c8a52-0000-7000-8000-000000000000')).toBeUndefined();
      expect(await repositories.get('nonsense')).toBeUndefined();
    });

    it('are one row when fifty upsert at once', async () => {
      const { under } = scene();
      const rows = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          (index % 2 ? under.store : under.other).repositories.upsert(newRepository('octo/app')),
        ),
      );
      expect(new Set(rows.map((row) => row.id)).size).toBe(1);
    });

    it('are found by name first, then by the forge’s id, whatever their name is then', async () => {
      const { repositories } = scene().store;
      const { id } = await repositories.upsert(newRepository('octo/app'));
      expect(await repositories.resolve('forge', { forgeRepositoryId: '7', name: 'octo/app' })).toMatchObject({
        id,
        forgeRepositoryId: '7',
      });
      expect(await repositories.resolve('forge', { forgeRepositoryId: '7', name: 'octo/renamed' })).toMatchObject({
        id,
        name: 'octo/renamed',
      });
      expect(await repositories.get(id)).toMatchObject({ forgeRepositoryId: '7', name: 'octo/renamed' });
      expect(await repositories.resolve('forge', { forgeRepositoryId: '8', name: 'octo/renamed' })).toBeUndefined();
      expect(await repositories.resolve('forge', { forgeRepositoryId: '9', name: 'octo/app' })).toBeUndefined();
      expect(await repositories.resolve('another', { forgeRepositoryId: '7', name: 'octo/renamed' })).toBeUndefined();
    });

    it('do not take a name that another has', async () => {
      const { repositories } = scene().store;
      const known = await repositories.upsert(newRepository('octo/old', { forgeRepositoryId: '7' }));
      const added = await repositories.upsert(newRepository('octo/new'));
      const found = await repositories.resolve('forge', { forgeRepositoryId: '7', name: 'octo/new' });
      expect(found).toMatchObject({ id: known.id, name: 'octo/old' });
      expect(await repositories.get(added.id)).toMatchObject({ name: 'octo/new' });
    });
  });
}
