import { describe, expect, it, vi } from 'vitest';
import { Schedule } from '../../schedule/index.js';
import type { Delivery, ScheduleRule, ScheduleSource } from '../port/index.js';
import { job, type Scene, spec } from './scene.js';

const minutely: ScheduleRule = { cron: '* * * * *', timezone: 'UTC', missed: 'run-once' };
const hourly: ScheduleRule = { cron: '0 * * * *', timezone: 'Europe/Zurich', missed: 'skip' };
const MINUTE = 60_000;

export function describeSchedules(scene: () => Scene): void {
  describe('schedules', () => {
    const source = async (
      files: Record<string, ScheduleRule[]>,
      more: Partial<ScheduleSource> = {},
    ): Promise<ScheduleSource> => ({
      repositoryId: (await scene().repository()).id,
      deliveryId: undefined,
      ...{ ref: 'refs/heads/main', commit: 'a'.repeat(40) },
      files: Object.entries(files).map(([name, schedules]) => ({ file: `${name}.kdl`, workflow: name, schedules })),
      broken: [],
      ...more,
    });
    const replace = async (...given: Parameters<typeof source>) =>
      scene().store.schedules.replace(await source(...given));
    const broken = (...files: string[]) => files.map((file) => ({ file, problem: `${file}:1:1: no` }));
    const listed = async (): Promise<string[]> =>
      (await scene().store.schedules.list()).map(({ file, cron, missed }) => `${file} ${cron} ${missed}`);
    /** To the next tick of the first schedule, and a little beyond. */
    const comes = async (): Promise<void> => {
      await scene().under.advance(((await scene().store.schedules.nextInMs()) ?? 0) + 10);
    };
    const deliveries = async (): Promise<Delivery[]> => await scene().store.deliveries.list({ limit: 100 });

    it('have a next tick by the clock of the store', async () => {
      expect(await scene().store.schedules.nextInMs()).toBeUndefined();
      expect(await replace({ nightly: [minutely, hourly] })).toEqual({ replaced: true, stale: [] });
      const all = await scene().store.schedules.list({ repositoryId: (await scene().repository()).id });
      expect(all).toMatchObject([
        { file: 'nightly.kdl', workflow: 'nightly', ...minutely, skipped: 0, staleAtCommit: undefined },
        { ...hourly },
      ]);
      expect(all[1]?.nextAt?.getTime()).toBeGreaterThanOrEqual(all[0]?.nextAt?.getTime() ?? Number.NaN);
      expect(all[0]?.nextAt?.getUTCSeconds()).toBe(0);
      expect(all[1]?.nextAt?.getUTCMinutes()).toBe(0);
      expect(await scene().store.schedules.nextInMs()).toBeLessThanOrEqual(MINUTE);
      expect(await scene().store.schedules.list({ repositoryId: '4711' })).toEqual([]);
      expect(await scene().store.schedules.take(10)).toEqual({ taken: [], missed: 0, skipped: 0 });
    });

    it('put a tick into the inbox, with its wake-up, and go on to the next', async () => {
      await replace({ nightly: [minutely] });
      await comes();
      const { taken } = await scene().store.schedules.take(10);
      expect(taken).toHaveLength(1);
      const [delivery] = await deliveries();
      const at = taken[0]?.at.toISOString();
      const [schedule] = await scene().store.schedules.list();
      expect(delivery).toMatchObject({
        id: taken[0]?.deliveryId,
        forgeDeliveryId: `schedule:${schedule?.id}:${at}`,
        ...{ eventName: 'schedule', state: 'received' },
        event: {
          ...{ kind: 'forge.schedule.v1', file: 'nightly.kdl', workflow: 'nightly', cron: '* * * * *' },
          ...{ timezone: 'UTC', tick: at, missed: 0 },
        },
      });
      expect(await scene().drainOutbox()).toMatchObject([{ kind: 'delivery', deliveryId: delivery?.id }]);
      expect(await scene().store.schedules.take(10)).toEqual({ taken: [], missed: 0, skipped: 0 });
      expect(schedule?.nextAt?.getTime()).toBe((taken[0]?.at.getTime() ?? 0) + MINUTE);
      expect(schedule?.lastTick).toEqual({ at: taken[0]?.at, deliveryId: delivery?.id });
      const run = await scene().newRun(spec(job('a')));
      const outcome = { state: 'planned' as const, reason: undefined };
      await scene().store.runs.plan({ deliveryId: delivery?.id, runs: [run], failedChecks: [], outcome });
      expect((await scene().store.schedules.list())[0]?.lastTick).toMatchObject({ runId: run.runId, runNumber: 1 });
    });

    it('give each tick to one of many who look', async () => {
      const { store, other } = scene().under;
      await replace({ a: [minutely], b: [minutely], c: [{ ...minutely, cron: '*/2 * * * *' }] });
      let taken = 0;
      const ticks: string[] = [];
      for (let round = 0; round < 4; round += 1) {
        await comes();
        for (let tries = 0; (await store.schedules.nextInMs()) === 0; tries += 1) {
          expect(tries).toBeLessThan(10);
          const answers = await Promise.all([store, other, store, other].map(({ schedules }) => schedules.take(2)));
          for (const answer of answers) {
            taken += answer.taken.length;
            ticks.push(...answer.taken.map(({ scheduleId, at }) => `${scheduleId} ${at.toISOString()}`));
          }
        }
      }
      expect(new Set(ticks).size).toBe(taken);
      expect(await deliveries()).toHaveLength(taken);
      expect(taken).toBe(4 + 4 + 2);
    });

    it('make one run of all ticks that nobody was there for, or none', async () => {
      await replace({
        once: [{ ...minutely, cron: '*/10 * * * *' }],
        skip: [{ ...minutely, cron: '*/10 * * * *', missed: 'skip' }],
      });
      await comes();
      await scene().under.advance(35 * MINUTE);
      expect(await scene().store.schedules.take(10)).toMatchObject({ taken: [{}], missed: 4 });
      expect(await deliveries()).toMatchObject([{ event: { workflow: 'once', missed: 3 } }]);
      const [once, skip] = await scene().store.schedules.list();
      expect([once?.skipped, skip?.skipped, skip?.lastTick]).toEqual([0, 4, undefined]);
      expect(skip?.nextAt).toEqual(once?.nextAt);
      await comes();
      expect((await scene().store.schedules.take(10)).taken).toHaveLength(2);
    });

    it('of policy skip run at a tick that is only a little late, without the earlier ones', async () => {
      await replace({ skip: [{ ...minutely, cron: '*/10 * * * *', missed: 'skip' }] });
      await comes();
      await scene().under.advance(30 * MINUTE + 20_000);
      expect(await scene().store.schedules.take(10)).toMatchObject({ taken: [{}], missed: 0 });
      expect(await deliveries()).toMatchObject([{ event: { missed: 3 } }]);
    });

    it('do not come again when the clock is put back', async () => {
      await replace({ nightly: [minutely] });
      await comes();
      await scene().store.schedules.take(10);
      await scene().under.advance(-3_600_000);
      expect(await scene().store.schedules.take(10)).toEqual({ taken: [], missed: 0, skipped: 0 });
      await scene().under.advance(3_600_000);
      expect((await scene().store.schedules.take(10)).taken).toEqual([]);
    });

    it('are what the newest commit says, and keep their time where they stay the same', async () => {
      await replace({ a: [hourly], b: [hourly, minutely] });
      const before = await scene().store.schedules.list();
      await scene().under.advance(1_000);
      await replace({ a: [{ ...hourly, missed: 'run-once' }], c: [minutely, minutely] });
      expect(await listed()).toEqual(['a.kdl 0 * * * * run-once', 'c.kdl * * * * * run-once']);
      const [a] = await scene().store.schedules.list();
      expect([a?.id, a?.nextAt]).toEqual([before[0]?.id, before[0]?.nextAt]);
      await replace({});
      expect(await listed()).toEqual([]);
      expect(await scene().store.schedules.nextInMs()).toBeUndefined();
    });

    it('come again once they can be read again, by a version that knows their time zone', async () => {
      const older = vi.spyOn(Schedule.prototype, 'nextTick').mockReturnValue(undefined);
      await replace({ a: [hourly] });
      older.mockRestore();
      expect(await scene().store.schedules.nextInMs()).toBeUndefined();
      await replace({ a: [hourly] });
      expect(await scene().store.schedules.nextInMs()).toBeLessThanOrEqual(60 * MINUTE);
    });

    it('stay as they were where their file is broken, and it is said', async () => {
      await replace({ a: [hourly], b: [hourly] });
      const commit = 'b'.repeat(40);
      const answer = await replace({}, { commit, broken: broken('b.kdl', 'c.kdl') });
      expect(answer).toEqual({ replaced: true, stale: ['b.kdl'] });
      expect(await scene().store.schedules.list()).toMatchObject([{ file: 'b.kdl', staleAtCommit: commit }]);
      await replace({ b: [hourly] });
      expect(await scene().store.schedules.list()).toMatchObject([{ file: 'b.kdl', staleAtCommit: undefined }]);
    });

    it('are not those of an older push that is planned late', async () => {
      const [older, newer] = [await scene().deliver(), await scene().deliver()];
      expect((await replace({ a: [hourly] }, { deliveryId: newer.id })).replaced).toBe(true);
      expect((await replace({ b: [hourly] }, { deliveryId: older.id })).replaced).toBe(false);
      expect(await listed()).toEqual(['a.kdl 0 * * * * skip']);
      // Killed after it, and done again.
      expect((await replace({ a: [hourly] }, { deliveryId: newer.id })).replaced).toBe(true);
    });

    it('tell of themselves', async () => {
      const told: string[] = [];
      const stop = scene().under.other.changes.on('schedules', () => told.push('schedules'));
      await replace({ a: [hourly] });
      await expect.poll(() => told.length).toBeGreaterThan(0);
      stop();
    });
  });
}
