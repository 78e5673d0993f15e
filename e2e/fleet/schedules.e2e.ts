import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@solstice/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { Fleet } from '../harness/fleet.js';
import { fleetMissing, scripts } from '../harness/fleet-layouts.js';
import { expectAllReported, expectAllSucceededOnce, pushTree } from '../harness/fleet-work.js';

/** Comes once a year: what a test sets is the only tick there is. */
const YEARLY = 'cron="0 3 1 1 *"';

/** Every process of a fleet looks for ticks. They are made to come by the database's clock; no test waits for a minute. */
describe.skipIf(fleetMissing)('schedules of a fleet', () => {
  let fleet: Fleet | undefined;

  afterEach(async () => {
    await fleet?.remove();
    fleet = undefined;
  });

  async function start(): Promise<Fleet> {
    fleet = await Fleet.create({ scripts });
    const host = { backend: 'process' as const, slots: 4 };
    await fleet.start({
      one: { roles: 'forge,api' },
      two: { roles: 'forge,api' },
      alder: { roles: 'orchestrator', host },
      birch: { roles: 'orchestrator', host },
    });
    return fleet;
  }

  /** Pushes one workflow for each schedule, and waits until they are known. */
  async function push(here: Fleet, schedules: Record<string, string>): Promise<void> {
    const tree = join(here.directory, 'tree');
    mkdirSync(join(tree, '.solstice'), { recursive: true });
    for (const [name, rule] of Object.entries(schedules)) {
      const job = '    job "say" { step name="Say" run="echo $CI_EVENT of $CI_BRANCH"; }';
      writeFileSync(
        join(tree, '.solstice', `${name}.kdl`),
        `workflow "${name}" {\n    on "schedule" ${rule}\n${job}\n}\n`,
      );
    }
    await pushTree(await here.addRepository('work'), tree);
    const wanted = Object.keys(schedules).length;
    await eventually(async () => (await here.client().schedules()).schedules.length === wanted, {
      describe: () => `${wanted} schedules to be read\n${here.said()}`,
      timeoutMs: 60_000,
    });
  }

  /** Until no tick is due any more, and all that came is planned; gives what became of each. */
  async function settledTicks(here: Fleet) {
    return eventually(
      async () => {
        const soon = await here.postgres.query(`select 1 from schedules where next_at < now() + interval '1 minute'`);
        if (soon.length > 0) return undefined;
        const all = (await here.client().deliveries({ limit: 1000 })).filter(
          ({ eventName }) => eventName === 'schedule',
        );
        return all.every(({ state }) => state !== 'received') ? all : undefined;
      },
      { describe: () => `every tick to be taken and planned\n${here.said()}`, timeoutMs: 60_000, intervalMs: 100 },
    );
  }

  test('make exactly one run a tick, however many processes see it come, also when one of them is killed', async () => {
    const here = await start();
    const names = ['a', 'b', 'c', 'd'];
    await push(here, Object.fromEntries(names.map((name) => [name, YEARLY])));
    for (const round of [1, 2, 3]) {
      // Further away than any process sleeps: by then all know of it, and get up at the same moment.
      await here.postgres.query(`update schedules set next_at = now() + interval '6 seconds'`);
      if (round === 2) await here.node('two').end('SIGKILL');
      const ticks = await settledTicks(here);
      expect(ticks.map(({ state, reason, runIds }) => [state, reason, runIds.length])).toEqual(
        Array.from({ length: round * names.length }, () => ['planned', undefined, 1]),
      );
      if (round === 2) await here.node('two').start();
    }
    const all = 3 * names.length;
    await expectAllSucceededOnce(here, { runs: all, jobs: all });
    const runs = await here.client().runs({ limit: 1000 });
    expect(runs.map(({ workflow }) => workflow).sort()).toEqual([...names, ...names, ...names].sort());
    const log = await here.ciadm('logs', String(runs[0]?.number), '--raw');
    expect(log.stdout.toString()).toBe('schedule of main\n');
    for (const { lastTick, skipped } of (await here.client().schedules()).schedules) {
      expect([lastTick?.run?.id, skipped]).toEqual([expect.any(String), 0]);
    }
    await expectAllReported(here);
  });

  test('that came while nobody was there: one run for all of them, or none, as the file says', async () => {
    const here = await start();
    await push(here, { once: `${YEARLY} missed="run-once"`, skip: `${YEARLY} missed="skip"` });
    const names = ['one', 'two', 'alder', 'birch'];
    await Promise.all(names.map((name) => here.node(name).end('SIGKILL')));
    await here.postgres.query(`update schedules set next_at = next_at - interval '3 years'`);
    await Promise.all(names.map((name) => here.node(name).start()));

    const ticks = await settledTicks(here);
    expect(ticks).toMatchObject([
      { state: 'planned', reason: 'nobody was there for 2 earlier ticks: this run stands for them too' },
    ]);
    await expectAllSucceededOnce(here, { runs: 1, jobs: 1 });
    const [run] = await here.client().runs({ limit: 10 });
    const [once, skip] = (await here.client().schedules()).schedules;
    expect(once).toMatchObject({ workflow: 'once', skipped: 0, lastTick: { run: { id: run?.id } } });
    expect(skip).toMatchObject({ workflow: 'skip', skipped: 3 });
    expect(skip?.lastTick).toBeUndefined();
    const listed = await here.ciadm('schedules');
    expect(listed.stdout.toString()).toContain('nobody was there for 3 ticks, which were left out');
  });
});
