import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { type Command, decide, evolveAll, type FlowEvent, isRefusal, type RunFlow, replay } from '../../flow/index.js';
import { happened, Scene, TestHost } from '../contract/scene.js';
import { postgresUnderTest } from '../postgres/testing/postgres-under-test.js';
import { type Move, nextMove, outcomeOf, representativeSpec } from './representative-run.js';

const HOUR_MS = 3_600_000;

test('restart at every step, in memory', () => {
  const planned = { kind: 'plan', runId: 'r1', spec: representativeSpec() } as const;
  const whole: Played = { events: [], boundaries: [] };
  say(whole, undefined, planned, 1_000_000);
  const run = playOn(whole);
  const outcome = outcomeOf(run);
  expect(outcome).toMatchObject({ state: 'failed' });
  expect(whole.boundaries.length).toBeGreaterThan(30);

  for (const boundary of whole.boundaries) {
    const from: Played = { events: whole.events.slice(0, boundary), boundaries: [] };
    expect(outcomeOf(playOn(from)), `begun again after event ${boundary}`).toEqual(outcome);
  }
});

test('restart at every step, against the database', async (context) => {
  const under = await postgresUnderTest();
  context.onTestFinished(() => under.close());
  const scene = new Scene(under);
  await scene.repository();

  const { outcome, moves } = await playInStore(Number.POSITIVE_INFINITY);
  expect(outcome).toMatchObject({ state: 'failed' });
  expect(moves).toBeGreaterThan(30);
  for (let before = 0; before < moves; before += 1) {
    const again = await playInStore(before);
    expect(again.outcome, `begun again after ${before} moves`).toEqual(outcome);
  }

  /** After so many moves it goes on in another process: with a store that has seen nothing, and the same host. */
  async function playInStore(before: number): Promise<{ outcome: object; moves: number }> {
    let store = await under.open();
    const newRun = await scene.newRun(representativeSpec());
    await scene.planRuns(newRun);
    let host = await scene.host('alder', { store });
    const workers = new Map<string, string>();
    let moves = 0;
    for (;;) {
      if (moves === before) {
        await store.close();
        store = await under.open();
        host = new TestHost(store, host.id, randomUUID(), host.pools, host.capacity);
        await scene.register(host);
      }
      const run = replay(await store.runs.events(newRun.runId));
      const now = (await host.renew()).now.getTime();
      const move = nextMove(run, now);
      if (move === undefined) return { outcome: outcomeOf(run), moves };
      await make(host, run, move, workers, now);
      moves += 1;
    }
  }

  async function make(host: TestHost, run: RunFlow, move: Move, workers: Map<string, string>, now: number) {
    const { store } = host;
    if (move.kind === 'approve') {
      happened(await store.runs.command(run.runId, decisionOf(move)));
    } else if (move.kind === 'time') {
      await under.advance(move.until - now + 1);
      await store.timers.fire(100);
    } else if (move.kind === 'claim') {
      const claim = await host.claim();
      workers.set(claim.fence.attemptId, claim.workerId);
    } else {
      // A new process has nothing but the worker's name.
      const workerId = workers.get(move.attemptId) ?? '';
      const claim = await store.attempts.claimOf(workerId);
      if (claim === undefined) throw new Error(`worker ${workerId} has no claim`);
      if (move.kind === 'start') happened(await store.attempts.start(claim.fence));
      else if (move.kind === 'finish') happened(await store.attempts.finish(claim.fence, move.result));
      else happened(await store.attempts.lose(claim.fence, 'its machine broke'));
      if (move.kind !== 'start') await store.attempts.releaseWorker(workerId);
    }
  }
}, 300_000);

interface Played {
  events: FlowEvent[];
  /** How many events there were after each command. */
  boundaries: number[];
}

function say(played: Played, run: RunFlow | undefined, command: Command, now: number): RunFlow {
  const events = decide(run, command, now);
  if (isRefusal(events)) throw new Error(`${command.kind}: ${events.reason}`);
  if (events.length === 0) throw new Error(`${command.kind} came to nothing`);
  played.events.push(...events);
  played.boundaries.push(played.events.length);
  return evolveAll(run, events);
}

/** To its end, from what is in the log so far. */
function playOn(played: Played): RunFlow {
  let run = replay(played.events);
  let now = (played.events.at(-1)?.at ?? 0) + 1_000;
  for (;;) {
    const move = nextMove(run, now);
    if (move === undefined) return run;
    if (now > 1_000_000 + 24 * HOUR_MS) throw new Error('the run does not come to an end');
    if (move.kind === 'time') now = Math.max(now, move.until);
    run = say(played, run, commandOf(move), now);
    now += 1_000;
  }
}

function commandOf(move: Move): Command {
  switch (move.kind) {
    case 'claim': {
      const { attemptId } = move;
      return { kind: 'claim', attemptId, hostId: 'alder', workerId: `w-${attemptId}`, requestId: `q-${attemptId}` };
    }
    case 'lose':
      return { kind: 'lose', attemptId: move.attemptId, detail: 'its machine broke' };
    case 'time':
      return { kind: 'fire', key: move.key };
    case 'approve':
      return decisionOf(move);
    default:
      return move;
  }
}

function decisionOf(move: Extract<Move, { kind: 'approve' }>): Extract<Command, { kind: 'decide' }> {
  const { nodeId, by } = move;
  const said = { nodeId, by, verdict: 'approve', teams: [], inputs: {} } as const;
  return { kind: 'decide', requestId: `${nodeId} ${by}`, ...said, teams: [], inputs: {} };
}
