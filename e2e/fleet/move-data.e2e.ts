import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@solstice/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { Fleet } from '../harness/fleet.js';
import { fleetMissing, scripts } from '../harness/fleet-layouts.js';
import { expectAllSucceededOnce, Ledger, pushTree } from '../harness/fleet-work.js';
import { Installation } from '../harness/installation.js';
import { bin } from '../harness/solstice-process.js';

/** `solstice move-data`; killed as soon as it says `killAt`. */
async function moveData(installation: Installation, toFile: string, killAt?: string) {
  const args = [bin('solstice'), 'move-data', '--config', installation.settingsFile, '--to-file', toFile];
  const child = spawn(process.execPath, args, { env: { PATH: process.env.PATH, HOME: process.env.HOME } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (killAt !== undefined && output.includes(killAt)) child.kill('SIGKILL');
    });
  }
  const [exitCode, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { exitCode, signal, output };
}

describe.skipIf(fleetMissing)('a single node that becomes a fleet', () => {
  let installation: Installation | undefined;
  let fleet: Fleet | undefined;
  let ledger: Ledger | undefined;

  afterEach(async () => {
    ledger?.close();
    await fleet?.remove();
    await installation?.remove();
    installation = fleet = ledger = undefined;
  });

  test('takes everything along: what has ended, what waits, and what runs meanwhile', async () => {
    installation = await Installation.create({ backend: 'process' });
    const { directory, dataDirectory, hostId } = installation;
    ledger = new Ledger(directory, 'work');
    const repository = await installation.addRepository('app');
    const push = (branch: string, workflow: string) => {
      const tree = join(directory, `tree-${branch}`);
      mkdirSync(join(tree, '.solstice'), { recursive: true });
      writeFileSync(join(tree, '.solstice', 'workflow.kdl'), workflow);
      return pushTree(repository, tree, branch);
    };
    const hello = 'workflow "hello" {\n    on "push"\n    job "hello" { step run="echo hello from before"; }\n}\n';
    await push('first', hello);
    const single = installation.client();
    await eventually(async () => (await single.runs({ state: 'succeeded', limit: 1 })).length === 1, {
      describe: () => 'the first run to end',
    });
    // Four slots: two of these wait.
    await push('second', ledger.workflow({ workflow: 'work', jobs: 6, waits: true }));
    await ledger.untilBegun(4);
    const before = await single.run('1');
    expect(await installation.solstice.kill('SIGTERM')).toBe(0);

    fleet = await Fleet.create({ scripts });
    copyFileSync(join(dataDirectory, 'secret.key'), join(fleet.directory, 'secret.key'));
    const toFile = join(directory, 'database-url');
    writeFileSync(toFile, `${fleet.postgres.url}\n`, { mode: 0o600 });

    // Killed when it has begun: nothing is kept, and it can be done again, with the database that it left running.
    expect(await moveData(installation, toFile, 'rows')).toMatchObject({ signal: 'SIGKILL' });
    const moved = await moveData(installation, toFile);
    expect(moved, moved.output).toMatchObject({ exitCode: 0 });
    expect(moved.output).toMatch(/runs +2 rows[\s\S]*Moved: \d+ rows, each table compared/);
    expect(await moveData(installation, toFile)).toMatchObject({ exitCode: 1, output: /moved to a fleet/ });
    await expect(installation.start()).rejects.toThrow(/moved to a fleet[\s\S]*refused[\s\S]*solstice serve/);

    fleet.prepare('forge', { roles: 'forge,api' });
    const host = { roles: 'orchestrator', host: { backend: 'process' as const, slots: 4 } };
    const alder = fleet.prepare('alder', host, { hostId, dataDirectory });
    await fleet.node('forge').start();
    await alder.start();
    expect(alder.output.match(/worker taken over/g)).toHaveLength(4);
    ledger.open();
    await expectAllSucceededOnce(fleet, { runs: 2, jobs: 7 });
    ledger.expectOnce(6);
    // Its page has the same key, on the fleet's address.
    const url = expect.stringContaining(new URL(before.url).pathname);
    expect(await fleet.client().run('1')).toEqual({ ...before, url });
    expect((await fleet.ciadm('logs', '1', '--raw')).stdout.toString()).toBe('hello from before\n');
    const again = await fleet.ciadm('trigger', 'app', '--ref', 'first');
    expect(again.exitCode, again.stderr).toBe(0);
    await expectAllSucceededOnce(fleet, { runs: 3, jobs: 8 });
  });
});
