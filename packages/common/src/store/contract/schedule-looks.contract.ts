import { describe, expect, it } from 'vitest';
import type { Repository, ScheduleLook, ScheduleReading, ScheduleSource } from '../port/index.js';
import { newRepository, type Scene } from './scene.js';

const HOLD = { exceptForges: [], holdMs: 60_000 };
const BROKEN = { file: 'b.kdl', problem: 'b.kdl:1:1: what is this?' };

export function describeScheduleLooks(scene: () => Scene): void {
  describe('looks at default branches', () => {
    const add = (name: string, more: Parameters<typeof newRepository>[1] = {}): Promise<Repository> =>
      scene().store.repositories.upsert(newRepository(name, more));
    const take = async (): Promise<ScheduleLook> => {
      const look = await scene().store.scheduleLooks.take(HOLD);
      if (look === undefined) throw new Error('no look is due');
      return look;
    };
    const none = async (): Promise<void> => expect(await scene().store.scheduleLooks.take(HOLD)).toBeUndefined();
    const found = (look: ScheduleLook | undefined, more: Partial<ScheduleSource> = {}): ScheduleSource => ({
      ...{ repositoryId: look?.repository.id ?? '', deliveryId: undefined, broken: [] },
      ...{ ref: 'refs/heads/main', commit: 'a'.repeat(40) },
      files: [
        { file: 'n.kdl', workflow: 'n', schedules: [{ cron: '0 3 * * *', timezone: 'UTC', missed: 'run-once' }] },
      ],
      ...(look && { look }),
      ...more,
    });
    const reading = async ({ id }: Repository): Promise<ScheduleReading> => {
      const [one, ...others] = await scene().store.scheduleLooks.readings({ repositoryId: id });
      if (one === undefined || others.length > 0) throw new Error('a repository has one reading');
      return one;
    };

    it('are asked for by a repository that is new, in the longest order of waiting, each of one at a time', async () => {
      const [first, second] = [await add('octo/first'), await add('octo/second')];
      const looks = [await take(), await take()];
      expect(looks.map(({ repository, tries }) => [repository, tries])).toEqual([
        [first, 0],
        [second, 0],
      ]);
      await none();
      expect(await reading(first)).toEqual({
        ...{ repositoryId: first.id, looking: true, tries: 0 },
        dueAt: expect.any(Date),
      });
    });

    it('are of no forge that has enough to do', async () => {
      const elsewhere = await add('octo/app', { forge: 'another' });
      await add('octo/app');
      const look = await scene().store.scheduleLooks.take({ ...HOLD, exceptForges: ['forge'] });
      expect(look?.repository).toEqual(elsewhere);
      expect(await scene().store.scheduleLooks.take({ ...HOLD, exceptForges: ['forge', 'none'] })).toBeUndefined();
    });

    it('come to one of many who take', async () => {
      const { store, other } = scene().under;
      for (let count = 0; count < 6; count += 1) await add(`octo/${count}`);
      const looks = await Promise.all(
        [store, other, store, other, store, other, store, other].map((one) => one.scheduleLooks.take(HOLD)),
      );
      const names = looks.flatMap((look) => look?.repository.name ?? []);
      expect(names.sort()).toEqual(['octo/0', 'octo/1', 'octo/2', 'octo/3', 'octo/4', 'octo/5']);
    });

    it('end with what was read', async () => {
      const repository = await add('octo/app');
      const look = await take();
      const more = { broken: [BROKEN] };
      expect(await scene().store.schedules.replace(found(look, more))).toEqual({ replaced: true, stale: [] });
      expect(await scene().store.schedules.list()).toMatchObject([{ repositoryId: repository.id, file: 'n.kdl' }]);
      const { source, ...rest } = await reading(repository);
      expect(source).toEqual({
        ...{ ref: 'refs/heads/main', commit: 'a'.repeat(40), readAt: expect.any(Date) },
        ...{ workflows: 2, broken: [BROKEN] },
      });
      expect(rest).toEqual({ repositoryId: repository.id, looking: false, tries: 0, lookedAt: source?.readAt });
      await scene().under.advance(HOLD.holdMs);
      await none();
      // Its answer was lost, and it is told again.
      expect(await scene().store.schedules.replace(found(look))).toEqual({ replaced: false, stale: [] });
    });

    it('are asked for anew by another default branch or address, and by nothing else', async () => {
      const repository = await add('octo/app');
      await scene().store.schedules.replace(found(await take()));
      await add('octo/app', { origin: 'operator', sealedWebhookSecret: new Uint8Array([1]) });
      await none();
      await add('octo/app', { defaultBranch: 'trunk' });
      await scene().store.schedules.replace(found(await take()));
      await add('octo/app');
      await none();
      await add('octo/app', { cloneUrl: 'https://elsewhere.example/app.git' });
      expect((await take()).repository).toMatchObject({ id: repository.id, defaultBranch: 'trunk' });
    });

    it('count no more once the repository was changed: what they read is of another branch', async () => {
      await add('octo/app');
      const old = await take();
      await add('octo/app', { defaultBranch: 'trunk' });
      expect((await scene().store.schedules.replace(found(old))).replaced).toBe(false);
      expect(await scene().store.scheduleLooks.end(old, 'empty')).toBe(false);
      expect(await scene().store.scheduleLooks.postpone(old, 'away', 1)).toBe(false);
      expect(await scene().store.schedules.list()).toEqual([]);
      expect(await scene().store.schedules.replace(found(await take()))).toMatchObject({ replaced: true });
    });

    it('lose to a push that came in after they began, and win over one before it that is planned late', async () => {
      const repository = await scene().repository();
      const before = await scene().deliver();
      const look = await take();
      const after = await scene().deliver();
      const pushed = (deliveryId: string, commit: string) =>
        scene().store.schedules.replace({
          ...found(undefined, { files: [] }),
          ...{ repositoryId: repository.id, deliveryId, commit: commit.repeat(40) },
        });
      expect((await pushed(after.id, 'c')).replaced).toBe(true);
      expect((await scene().store.schedules.replace(found(look))).replaced).toBe(false);
      expect(await scene().store.schedules.list()).toEqual([]);
      expect(await reading(repository)).toMatchObject({ source: { commit: 'c'.repeat(40) }, looking: false });
      await none();
      await scene().store.scheduleLooks.ask(repository.id);
      expect((await scene().store.schedules.replace(found(await take()))).replaced).toBe(true);
      expect((await pushed(before.id, 'b')).replaced).toBe(false);
      expect(await reading(repository)).toMatchObject({ source: { commit: 'a'.repeat(40) } });
    });

    it('that come to nothing are done again after a time, and say why', async () => {
      const repository = await add('octo/app');
      expect(await scene().store.scheduleLooks.postpone(await take(), 'the forge is away', 600_000)).toBe(true);
      expect(await reading(repository)).toMatchObject({ looking: false, tries: 1, problem: 'the forge is away' });
      await none();
      await scene().under.advance(600_000);
      const second = await take();
      expect(second.tries).toBe(1);
      // Broken off: that is nobody's fault, and says nothing.
      expect(await scene().store.scheduleLooks.postpone(second, undefined, 0)).toBe(true);
      expect(await reading(repository)).toMatchObject({ tries: 1, problem: 'the forge is away' });
      await scene().store.schedules.replace(found(await take()));
      expect(await reading(repository)).toMatchObject({ tries: 0, lookedAt: expect.any(Date) });
      expect(await reading(repository)).not.toHaveProperty('problem');
    });

    it('that wait for another try are due when the repository is said again, but not twice at once', async () => {
      await add('octo/app');
      await scene().store.scheduleLooks.postpone(await take(), 'the token may not', 600_000);
      await add('octo/app');
      expect((await take()).tries).toBe(0);
      await add('octo/app');
      await none();
    });

    it('fall to somebody else when their time is over', async () => {
      await add('octo/app');
      const lost = await take();
      await scene().under.advance(HOLD.holdMs + 1_000);
      const again = await take();
      expect(again.place).toBeGreaterThan(lost.place);
      expect(await scene().store.scheduleLooks.end(lost, 'empty')).toBe(false);
      expect(await scene().store.scheduleLooks.end(again, 'it is empty')).toBe(true);
      await scene().under.advance(HOLD.holdMs);
      await none();
    });

    it('that find no branch say so, and are over', async () => {
      const repository = await add('octo/app');
      expect(await scene().store.scheduleLooks.end(await take(), 'there is no refs/heads/main')).toBe(true);
      await none();
      expect(await reading(repository)).toEqual({
        ...{ repositoryId: repository.id, looking: false, tries: 0 },
        ...{ problem: 'there is no refs/heads/main', lookedAt: expect.any(Date) },
      });
    });

    it('that found no branch are done again when the repository is said again, once each time', async () => {
      const repository = await add('octo/app');
      for (let time = 0; time < 2; time += 1) {
        await scene().store.scheduleLooks.end(await take(), 'there is no refs/heads/main');
        await none();
        await add('octo/app');
        expect(await reading(repository)).toEqual({
          ...{ repositoryId: repository.id, looking: false, tries: 0 },
          ...{ dueAt: expect.any(Date), lookedAt: expect.any(Date) },
        });
      }
      const look = await take();
      await add('octo/app');
      await none();
      await scene().store.schedules.replace(found(look));
      await add('octo/app');
      await none();
    });

    it('are known of every repository, and of no other', async () => {
      const { scheduleLooks } = scene().store;
      const [app, lib] = [await add('octo/app'), await add('acme/lib')];
      expect((await scheduleLooks.readings()).map(({ repositoryId }) => repositoryId)).toEqual([lib.id, app.id]);
      expect(await scheduleLooks.readings({ repositoryId: '4711' })).toEqual([]);
      expect(await scheduleLooks.readings({ repositoryId: 'nonsense' })).toEqual([]);
      await scheduleLooks.ask('4711');
      await scheduleLooks.ask('nonsense');
      expect(await scheduleLooks.readings()).toHaveLength(2);
    });

    it('tell of themselves', async () => {
      const told: string[] = [];
      const stop = scene().under.other.changes.on('schedule-looks', () => told.push('asked'));
      await add('octo/app');
      await expect.poll(() => told.length).toBeGreaterThan(0);
      stop();
    });
  });
}
