import { eventually } from '@solstice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Installation } from '../harness/installation.js';
import { feature } from './feature.js';
import { nodeOf, Play } from './play.js';

let installation: Installation;

beforeAll(async () => {
  installation = await Installation.create({ backend: 'process' });
});
afterAll(async () => {
  await installation?.remove();
});

// By what it has done, not by its number: a worker that was only being made when everything was killed counts as an attempt.
const failsOnce = 'if mkdir /tmp/flaky-$CI_RUN_ID; then exit 1; else rmdir /tmp/flaky-$CI_RUN_ID; fi';

const workflow = `workflow "restart" {
    on "push"
    job "build" {
        step run="echo one; sleep 0.5; echo two; solstice output found=yes"
        finally { step run="echo tidy; sleep 0.5; echo tidied"; }
    }
    job "flaky" { needs "build"; retry 1 backoff="500ms..1s"; step run="${failsOnce}"; }
    branch "way" when="needs.build.outputs.found == 'yes'" {
        needs "build" "flaky"
        then { gate "ask" { approvers "user:ada" "user:grace" count=2; input "replicas" type="int"; } }
        else { job "never" { step run="false"; } }
    }
    wait "soak" for="500ms" { needs "way"; }
    job "ship" { needs "soak" "ask"; step run="echo $NEEDS_ASK_REPLICAS; sleep 0.3; exit 1"; }
    on_failure { job "tell" { step run="echo told"; } }
}`;

/** Where everything is killed, by the event that shows that the run is there. */
const points: Record<string, (event: { kind: string } & Record<string, unknown>) => boolean> = {
  planned: ({ kind }) => kind === 'run.planned',
  claimed: ({ kind }) => kind === 'attempt.claimed',
  'a step runs': ({ kind }) => kind === 'attempt.started',
  'a job has ended': ({ kind, nodeId }) => kind === 'node.ended' && nodeId === 'build',
  'a second attempt waits': ({ kind, nodeId, number }) =>
    kind === 'attempt.queued' && nodeId === 'flaky' && number === 2,
  'the branch is decided': ({ kind, nodeId }) => kind === 'node.ended' && nodeId === 'way',
  'the gate is open': ({ kind, nodeId }) => kind === 'node.started' && nodeId === 'ask',
  'one of two has approved': ({ kind }) => kind === 'gate.decided',
  'it waits for time': ({ kind, nodeId }) => kind === 'node.started' && nodeId === 'soak',
  'the last job has failed': ({ kind, nodeId }) => kind === 'node.ended' && nodeId === 'ship',
};

test(feature('restart of the real processes at ten named points'), async () => {
  expect(Object.keys(points)).toHaveLength(10);
  const undisturbed = outcomeOf(await play('undisturbed', undefined));
  for (const [point, isThere] of Object.entries(points)) {
    const run = await play(point.replaceAll(' ', '-'), isThere);
    expect(outcomeOf(run), `killed when ${point}`).toEqual(undisturbed);
  }
  // Ten times three starts: the waits inside have bounds of their own, with a better message.
}, 3_600_000);

async function play(name: string, isThere: ((event: { kind: string }) => boolean) | undefined) {
  const run = await Play.begin(installation, name, workflow);
  let killed = isThere === undefined;
  const killIfThere = async () => {
    if (killed || !(await installation.client().events(run.id)).some((event) => isThere?.(event))) return;
    killed = true;
    await installation.solstice.kill('SIGKILL');
    await installation.start();
  };
  /** Looks for the point all the while. */
  const until = (what: string, isSo: (now: Awaited<ReturnType<Play['now']>>) => boolean) =>
    eventually(
      async () => {
        await killIfThere();
        return isSo(await run.now());
      },
      { describe: () => `${what}, in the run that is killed when ${name}`, intervalMs: 20 },
    );
  await until('the gate to open', (now) => nodeOf(now, 'ask').state === 'running');
  await run.ciadm('approve', 'ask', '--by', 'ada', '--input', 'replicas=3');
  await killIfThere();
  await run.ciadm('approve', 'ask', '--by', 'grace');
  await until('the run to end', (now) => now.endedAt !== undefined);
  expect(killed, `${name} was never there`).toBe(true);
  // Each line once: nothing was done twice, nothing of it is missing.
  expect([await run.printed('build'), await run.printed('build', 2), await run.printed('ship')]).toEqual([
    'one\ntwo\n',
    'tidy\ntidied\n',
    '3\n',
  ]);
  return await run.now();
}

/** A worker that was being made when its host was killed is made again, as another attempt. What has begun goes on. */
function outcomeOf(run: Awaited<ReturnType<Play['now']>>): object {
  const begun = ({ startedAt }: { startedAt?: string | undefined }) => startedAt !== undefined;
  return {
    state: run.state,
    nodes: run.nodes.map(({ id, state, causeText, attempts }) => ({
      ...{ id, state, causeText },
      attempts: attempts.filter(begun).map((one) => one.state),
    })),
  };
}
