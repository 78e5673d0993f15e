import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fleet } from '../harness/fleet.js';
import { fleetMissing, scripts } from '../harness/fleet-layouts.js';
import { pidsNaming } from '../harness/leftovers.js';
import { feature } from './feature.js';
import { nodeOf, Play, statesOf } from './play.js';

const dockerMissing = process.env.SOLSTICE_TEST_DOCKER === 'missing';
const pool = (name: string, backend: string, more = '') =>
  `host {\n    pool "${name}" backend="${backend}"${more}\n}\n`;

describe.skipIf(fleetMissing)('three hosts, and each process with the API', () => {
  let fleet: Fleet;
  const id = (name: string) => fleet.node(name).hostId;

  beforeAll(async () => {
    fleet = await Fleet.create({ scripts });
    const host = { backend: 'process' as const, slots: 4, hostFile: pool('default', 'process') };
    await fleet.start({
      forge: { roles: 'forge,api' },
      ...Object.fromEntries(['alder', 'birch', 'cedar'].map((name) => [name, { roles: 'orchestrator,api', host }])),
    });
  });
  afterAll(async () => {
    await fleet?.remove();
  });

  const hostsOf = (run: Awaited<ReturnType<Play['now']>>, job: string) =>
    nodeOf(run, job).attempts.map(({ state, hostId }) => `${state} on ${hostId?.split('-').at(-1)}`);

  test(feature('a node on a named host'), async () => {
    const jobs = Array.from(
      { length: 6 },
      (_, index) => `job "j${index}" { place "${id('birch')}"; step run="true"; }`,
    );
    const play = await Play.begin(fleet, 'named', `workflow "named" {\n    on "push"\n${jobs.join('\n')}\n}`);
    const run = await play.ended();
    expect(run.nodes.map((node) => hostsOf(run, node.id))).toEqual(jobs.map(() => ['succeeded on birch']));
  });

  test(feature('failover over an ordered list of hosts, with a last resort'), async () => {
    const places = `place "${id('alder')}" "${id('birch')}" otherwise="any"`;
    // A step that kills its own runner is what a broken machine looks like from outside.
    const play = await Play.begin(
      fleet,
      'failover',
      `workflow "failover" {
    on "push"
    job "broken-machine" { ${places}; step run="test $CI_ATTEMPT = 3 || { kill -9 $PPID; sleep 600; }"; }
    job "own-failure" { ${places}; step run="exit 1"; }
    job "any-failure" { ${places} on="any"; step run="test $CI_ATTEMPT = 3"; }
}`,
    );
    const run = await play.ended();
    expect(hostsOf(run, 'broken-machine')).toEqual(['lost on alder', 'lost on birch', 'succeeded on cedar']);
    expect(hostsOf(run, 'own-failure')).toEqual(['failed on alder']);
    expect(hostsOf(run, 'any-failure')).toEqual(['failed on alder', 'failed on birch', 'succeeded on cedar']);
  });

  test(feature('state shared by all nodes'), async () => {
    const play = await Play.begin(
      fleet,
      'shared',
      `workflow "shared" {
    on "push"
    job "one" { place "${id('alder')}"; step run="solstice output word=here"; }
    job "two" { needs "one"; place "${id('cedar')}"; step run="echo $NEEDS_ONE_WORD"; }
}`,
    );
    const run = await play.ended();
    expect(await play.printed('two')).toBe('here\n');
    expect([hostsOf(run, 'one'), hostsOf(run, 'two')]).toEqual([['succeeded on alder'], ['succeeded on cedar']]);
    for (const name of ['alder', 'birch', 'cedar']) {
      const told = await fleet.client(name).run(play.id);
      expect(told.nodes).toEqual(run.nodes);
    }
  });

  test(feature('hand-over to another host'), async () => {
    const play = await Play.begin(
      fleet,
      'hand-over',
      `workflow "hand-over" {
    on "push"
    job "long" {
        place "${id('alder')}" otherwise="any"
        step run="test $CI_ATTEMPT != 1 || sleep 600"
        finally { step run="echo the end of attempt $CI_ATTEMPT"; }
    }
}`,
    );
    await play.reaches('long', 'running');
    const drained = await fleet.ciadm('drain', id('alder'), '--for', '1s');
    expect(drained.exitCode, drained.stderr).toBe(0);
    const run = await play.ended();
    expect(run.state).toBe('succeeded');
    expect(hostsOf(run, 'long')).toEqual(['lost on alder', expect.stringMatching(/^succeeded on (birch|cedar)$/)]);
    const resumed = await fleet.ciadm('resume', id('alder'));
    expect(resumed.exitCode, resumed.stderr).toBe(0);
  });

  test(feature('the error kind no-capacity'), async () => {
    const play = await Play.begin(
      fleet,
      'no-capacity',
      `workflow "no-capacity" {
    on "push"
    job "huge" queue="2s" { resources cpus=100; step run="true"; }
}`,
    );
    const run = await play.ended();
    const { cause, errorKind } = nodeOf(run, 'huge');
    expect(statesOf(run)).toEqual({ huge: 'timed_out' });
    expect([cause?.kind, errorKind]).toEqual(['clock', 'no-capacity']);
  });

  test(feature('the error kind unreachable'), async () => {
    await fleet.start({
      oak: { roles: 'orchestrator', host: { backend: 'process', hostFile: pool('oak', 'process') } },
    });
    const play = await Play.begin(
      fleet,
      'unreachable',
      `workflow "unreachable" {
    on "push"
    job "there" runs_on="oak" { exclusive; step run="sleep 600"; }
}`,
    );
    await play.reaches('there', 'running');
    // The whole machine, not only the process.
    const oak = fleet.node('oak');
    await oak.end('SIGKILL');
    for (const pid of pidsNaming(oak.dataDirectory)) killIfThere(pid);
    const run = await play.ended();
    const { cause, errorKind } = nodeOf(run, 'there');
    expect([cause?.kind, errorKind]).toEqual(['lost', 'unreachable']);
    // It comes back, and takes away what it had.
    await oak.start();
  });

  test.skipIf(dockerMissing)(feature('the error kind no-image'), async () => {
    await fleet.start({
      elm: {
        roles: 'orchestrator',
        host: { backend: 'container', hostFile: pool('elm', 'container', ' image="solstice-test/tools:1"') },
      },
    });
    const play = await Play.begin(
      fleet,
      'no-image',
      `workflow "no-image" {
    on "push"
    job "there" runs_on="elm" { step run="true"; }
    job "not-there" runs_on="elm" image="localhost:1/no/such:image" { step run="true"; }
}`,
    );
    const run = await play.ended();
    const { cause, errorKind } = nodeOf(run, 'not-there');
    expect(statesOf(run)).toEqual({ there: 'succeeded', 'not-there': 'failed' });
    expect([cause?.kind, errorKind]).toEqual(['refused', 'no-image']);
    expect(nodeOf(run, 'not-there').causeText).toContain('localhost:1/no/such:image');
  });
});

/** Some go by themselves when the one before them was killed. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
