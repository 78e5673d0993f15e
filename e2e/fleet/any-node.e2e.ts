import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@solstice/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { Fleet } from '../harness/fleet.js';
import { fleetMissing, scripts } from '../harness/fleet-layouts.js';
import { expectAllReported, pushTree, writeTree } from '../harness/fleet-work.js';

describe.skipIf(fleetMissing)('the API', () => {
  let fleet: Fleet | undefined;

  afterEach(async () => {
    await fleet?.remove();
    fleet = undefined;
  });

  test('of any node tells of any run, its log line by line while it is printed, wherever it runs', async () => {
    fleet = await Fleet.create({ scripts });
    const host = (pool: string) => ({
      roles: 'orchestrator,api',
      host: { backend: 'process' as const, hostFile: `host {\n    pool "${pool}" backend="process"\n}\n` },
    });
    await fleet.start({ forge: { roles: 'forge,api' }, here: host('here'), there: host('there') });
    const repository = await fleet.addRepository('work');
    // What is appended to the file is printed: the test says each line when the one before has arrived.
    const source = join(fleet.directory, 'lines');
    writeFileSync(source, '');
    const step = `step run=${JSON.stringify(`tail -n +1 -f ${source} | sed '/last/q'; echo over`)}`;
    const workflow = `workflow "long" {\n    on "push"\n    job "long" runs_on="here" { ${step}; }\n}\n`;
    await pushTree(repository, writeTree(fleet, 'long', workflow));

    const client = fleet.client('there');
    const run = await eventually(async () => (await client.runs({ limit: 1 }))[0], { describe: 'the run' });
    const seen: string[] = [];
    const following = (async () => {
      for await (const item of client.log(run.id, { follow: true })) {
        if (item.kind === 'log' && item.stream === 'stdout') seen.push(Buffer.from(item.data).toString());
      }
    })();
    const printed = () => seen.join('');
    for (const line of ['first\n', 'second\n', 'last\n']) {
      appendFileSync(source, line);
      await eventually(() => printed().endsWith(line) || printed().includes(line), {
        describe: () => `${line.trim()} on the other node; so far: ${printed()}\n${fleet?.said()}`,
        timeoutMs: 60_000,
      });
      // The follower was told of it while the job was running.
      if (line !== 'last\n') expect((await client.run(run.id)).state).toBe('running');
    }
    await following;
    expect(printed()).toBe('first\nsecond\nlast\nover\n');
    for (const name of ['forge', 'here', 'there']) {
      const detail = await fleet.client(name).run(run.id);
      expect([detail.state, detail.nodes[0]?.attempts[0]?.hostId]).toEqual(['succeeded', fleet.node('here').hostId]);
      const log = await fleet.ciadmAt(name, 'logs', String(run.number), '--raw');
      expect(log.stdout.toString()).toBe('first\nsecond\nlast\nover\n');
    }
    await expectAllReported(fleet);
  });
});
