import type { Store } from '@solstice/common/store';
import { afterEach, expect, test } from 'vitest';
import { claimed, control, done } from '../testing/on-stage.js';
import { Stage, withAttempts } from '../testing/stage.js';

let stage: Stage;

afterEach(() => stage.check());

/** The job stands in a branch that has ten minutes, of which the last one has begun. */
const inBranch = (store: Store) =>
  withAttempts(store, (attempts) => ({
    start: async (fence) => {
      const outcome = await attempts.start(fence);
      const enclosing = { branchId: 'channel', limitMs: 600_000, leftMs: 59_999.6 };
      return 'refused' in outcome ? outcome : { ...outcome, enclosing };
    },
  }));

async function stageWith(wrap?: (store: Store) => Store): Promise<Stage> {
  stage = new Stage(wrap === undefined ? {} : { wrap });
  await stage.register();
  return stage;
}

test('a runner is told what is left of the deadline that its job stands in', async () => {
  await stageWith(inBranch);
  await stage.plan();
  const assignment = await (await claimed(stage)).assignment();
  expect(assignment?.enclosingDeadline).toEqual({ branch: 'channel', limitMs: 600_000n, leftMs: 60_000n });
});

test('it is told of none where there is none', async () => {
  await stageWith();
  await stage.plan();
  expect((await (await claimed(stage)).assignment())?.enclosingDeadline).toBeUndefined();
});

test('its word that this is over is the end of the attempt, also when the same was wished meanwhile', async () => {
  await stageWith(inBranch);
  const runId = await stage.plan();
  const owner = await claimed(stage);
  await owner.assignment();
  const runner = control();
  owner.connected(runner, { watchdog: true, policies: true, conditions: true });
  const deadline = { branchId: 'channel', limitMs: 600_000 };
  stage.attempts.cancel(stage.attempts.holding()[0] ?? '', { by: 'branch channel', reason: 'too late', deadline });
  expect(runner.said).toEqual(['deadline of channel: too late']);
  const cause = { kind: 'clock', clock: 'branch', limitMs: 600_000, step: 0, stepName: 'Make' } as const;
  await owner.record([{ ...done, result: { state: 'cancelled', cause } }]);
  expect((await stage.run(runId)).nodes[0]?.attempts[0]?.cause).toEqual(cause);
});
