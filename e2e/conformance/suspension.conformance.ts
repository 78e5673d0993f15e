import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Installation } from '../harness/installation.js';
import { feature } from './feature.js';
import { nodeOf, Play, statesOf } from './play.js';

let installation: Installation;

beforeAll(async () => {
  installation = await Installation.create({ backend: 'process' });
});
afterAll(async () => {
  await installation?.remove();
});

const asked = (id: string) => `gate "${id}" { input "replicas" type="int" default=4 min=2 max=12; }`;

test(feature('suspend, and resume with a value'), async () => {
  const play = await Play.begin(
    installation,
    'suspend',
    `workflow "suspend" {
    on "push"
    ${asked('release')}
    job "ship" { needs "release"; step run="echo $NEEDS_RELEASE_REPLICAS"; }
    job "many" when="gates.release.replicas > 5" { needs "release"; step run="true"; }
    job "few" when="gates.release.replicas <= 5" { needs "release"; step run="exit 1"; }
}`,
  );
  await play.reaches('release', 'running');
  // Nothing but the database keeps it: the process that asked is gone.
  await installation.solstice.kill('SIGKILL');
  await installation.start();
  expect(await play.refused('approve', 'release', '--input', 'replicas=20')).toContain('replicas');
  await play.ciadm('approve', 'release', '--input', 'replicas=7');
  const run = await play.ended();
  expect(statesOf(run)).toEqual({ release: 'succeeded', ship: 'succeeded', many: 'succeeded', few: 'skipped' });
  expect(await play.printed('ship')).toBe('7\n');
});

test(feature('several suspends in one run'), async () => {
  const play = await Play.begin(
    installation,
    'several',
    `workflow "several" {
    on "push"
    gate "one"
    gate "two"
    gate "last" { needs "one" "two"; }
    wait "soak" for="100ms" { needs "last"; }
    job "end" { needs "soak"; step run="true"; }
}`,
  );
  await play.reaches('two', 'running');
  await play.ciadm('approve', 'two');
  expect(await play.refused('approve', 'last')).toContain('one');
  await play.ciadm('approve', 'one');
  await play.reaches('last', 'running');
  await play.ciadm('approve', 'last');
  const run = await play.ended();
  expect(new Set(Object.values(statesOf(run)))).toEqual(new Set(['succeeded']));
});

test(feature('suspend inside a branch'), async () => {
  const play = await Play.begin(
    installation,
    'suspend-branch',
    `workflow "branch" {
    on "push"
    branch "way" when="branch == 'main'" {
        then { gate "ask"; job "go" { needs "ask"; step run="true"; }; }
        else { gate "never"; job "other" { needs "never"; step run="exit 1"; }; }
    }
    job "after" { needs "way"; step run="true"; }
}`,
  );
  const waiting = await play.reaches('ask', 'running');
  expect(nodeOf(waiting, 'never').state).toBe('skipped');
  expect(nodeOf(waiting, 'after').state).toBe('waiting');
  await play.ciadm('approve', 'ask');
  const run = await play.ended();
  expect(statesOf(run)).toEqual({
    way: 'succeeded',
    ask: 'succeeded',
    go: 'succeeded',
    never: 'skipped',
    other: 'skipped',
    after: 'succeeded',
  });
});

test(feature('suspend inside a matrix cell'), async () => {
  const play = await Play.begin(
    installation,
    'suspend-cell',
    `workflow "cells" {
    on "push"
    gate "ask" {
        matrix { axis "region" "eu" "us"; }
        prompt "Go on in \${matrix.region}?"
    }
    job "eu" when="needs.ask.result == 'failed'" { needs "ask" on="always"; step run="true"; }
}`,
  );
  await play.reaches('ask.us', 'running');
  await play.ciadm('approve', 'ask.eu');
  const half = await play.reaches('ask.eu', 'succeeded');
  expect(nodeOf(half, 'ask.us').state).toBe('running');
  await play.ciadm('reject', 'ask.us', '--reason', 'not on a Friday');
  const run = await play.ended();
  expect(statesOf(run)).toEqual({ 'ask.eu': 'succeeded', 'ask.us': 'failed', eu: 'succeeded' });
  expect(nodeOf(run, 'ask.us').causeText).toContain('not on a Friday');
});

test(feature('cancel beats resume'), async () => {
  const play = await Play.begin(
    installation,
    'cancel-beats',
    `workflow "cancel" {
    on "push"
    gate "ask"
    job "busy" { step run="sleep 600"; finally { step run="echo once"; }; }
    job "after" { needs "ask"; step run="true"; }
}`,
  );
  await play.until('both to be there', (run) => ['ask', 'busy'].every((id) => nodeOf(run, id).state === 'running'));
  await play.ciadm('cancel', '--reason', 'changed my mind');
  expect(await play.refused('approve', 'ask')).toContain('cancelled');
  const run = await play.ended();
  expect([run.state, statesOf(run)]).toEqual([
    'cancelled',
    { ask: 'cancelled', busy: 'cancelled', after: 'cancelled' },
  ]);
  expect(await play.printed('busy', 2)).toBe('once\n');
  expect(await play.refused('approve', 'ask')).toContain('cancelled');
  expect(await play.refused('cancel')).toContain('cancelled');
});

test(feature('listing what can be resumed'), async () => {
  const play = await Play.begin(
    installation,
    'listing',
    `workflow "listing" {
    on "push"
    gate "ask" { timeout "24h"; approvers "user:ada"; }
    wait "soak" for="48h"
}`,
  );
  await play.until('both to wait', (run) => ['ask', 'soak'].every((id) => nodeOf(run, id).state === 'running'));
  const { stdout } = await installation.ciadm('runs', '--waiting', '--json');
  const text = stdout.toString();
  expect(text).toContain(play.id);
  expect(text).toMatch(/user:ada|ada/);
  // What has ended can't be resumed.
  await play.ciadm('cancel');
  await play.ended();
  const after = await installation.ciadm('runs', '--waiting', '--json');
  expect(after.stdout.toString()).not.toContain(play.id);
});

test(feature('export of a waiting run, and its continuation elsewhere'), async () => {
  const other = await Installation.create({ backend: 'process' });
  try {
    const play = await Play.begin(
      installation,
      'moving',
      `workflow "moving" {
    on "push"
    job "before" { step run="solstice output from=there; echo said before"; }
    ${asked('ask')}
    wait "soak" for="100ms" { needs "ask" "before"; }
    job "after" { needs "soak" "before" "ask"; step run="echo $NEEDS_BEFORE_FROM $NEEDS_ASK_REPLICAS"; }
}`,
    );
    await play.until(
      'it to wait for a decision only',
      (run) => nodeOf(run, 'before').state === 'succeeded' && nodeOf(run, 'ask').state === 'running',
    );
    const file = join(other.directory, 'run.json');
    const exported = await installation.ciadm('run', 'export', play.id, '--out', file);
    expect(exported.exitCode, exported.stderr).toBe(0);
    expect(existsSync(file)).toBe(true);
    expect(await play.refused('approve', 'ask')).toContain('cancelled');

    const unknown = await other.ciadm('run', 'import', file);
    expect(unknown.exitCode).not.toBe(0);
    expect(unknown.stderr).toContain('moving');
    const options = ['--forge', 'local', '--path', play.repository.bare, '--generate-secret'];
    expect((await other.ciadm('repo', 'add', 'moving', ...options)).exitCode).toBe(0);
    const imported = await other.ciadm('run', 'import', file);
    expect(imported.exitCode, imported.stderr).toBe(0);

    const there = play.on(other);
    expect(nodeOf(await there.now(), 'ask').state).toBe('running');
    expect(await there.printed('before')).toBe('said before\n');
    await there.ciadm('approve', 'ask', '--input', 'replicas=3');
    const run = await there.ended();
    expect([run.state, statesOf(run)]).toEqual([
      'succeeded',
      { before: 'succeeded', ask: 'succeeded', soak: 'succeeded', after: 'succeeded' },
    ]);
    expect(await there.printed('after')).toBe('there 3\n');
  } finally {
    await other.remove();
  }
});
