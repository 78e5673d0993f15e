import { execFileSync } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '@solstice/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { Fleet } from '../harness/fleet.js';
import { fleetMissing, scripts } from '../harness/fleet-layouts.js';
import { expectAllReported, pushTree, writeTree } from '../harness/fleet-work.js';

describe.skipIf(fleetMissing)('any node', () => {
  let fleet: Fleet | undefined;
  let collector: OtlpReceiver | undefined;

  afterEach(async () => {
    await fleet?.remove();
    await collector?.close();
    fleet = collector = undefined;
  });

  test(' tells of any run, its log line by line while it is printed; one trace goes from its webhook to its step', async () => {
    fleet = await Fleet.create({ scripts });
    collector = await startOtlpReceiver();
    const settings = [`otlp_url "${collector.url}"`];
    const host = (pool: string) => ({
      settings,
      roles: 'orchestrator,api',
      host: { backend: 'process' as const, hostFile: `host {\n    pool "${pool}" backend="process"\n}\n` },
    });
    await fleet.start({ forge: { roles: 'forge,api', settings }, here: host('here'), there: host('there') });
    const repository = await fleet.addRepository('work');
    // The job prints what the test tells it: each line when the one before has arrived.
    const pipe = join(fleet.directory, 'lines');
    execFileSync('mkfifo', [pipe]);
    const lines = openSync(pipe, 'r+');
    const step = `step run=${JSON.stringify(`while read -r line; do echo "$line"; [ "$line" != last ] || break; done < ${pipe}`)}`;
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
    // Where the test fails before it is over, that is what is told.
    following.catch(() => undefined);
    const printed = () => seen.join('');
    for (const line of ['first\n', 'second\n']) {
      writeSync(lines, line);
      await eventually(() => printed().endsWith(line), {
        describe: () => `${line.trim()} on the other node; so far: ${printed()}\n${fleet?.said()}`,
      });
      // It was told while the job was running.
      expect((await client.run(run.id)).state).toBe('running');
    }
    writeSync(lines, 'last\n');
    await following;
    closeSync(lines);
    expect(printed()).toBe('first\nsecond\nlast\n');
    for (const name of ['forge', 'here', 'there']) {
      const detail = await fleet.client(name).run(run.id);
      expect([detail.state, detail.nodes[0]?.attempts[0]?.hostId]).toEqual(['succeeded', fleet.node('here').hostId]);
      const log = await fleet.ciadmAt(name, 'logs', String(run.number), '--raw');
      expect(log.stdout.toString()).toBe('first\nsecond\nlast\n');
    }
    await expectAllReported(fleet);

    const step1 = await collector.until(({ name }) => name === 'step', 30_000);
    const report = await collector.until(({ name }) => name === 'report', 30_000);
    const way: string[] = [];
    for (let span: ReceivedSpan | undefined = step1; span !== undefined; ) {
      way.unshift(span.name);
      const above: string | undefined = span.parentSpanId;
      span = above === undefined ? undefined : await collector.until(({ spanId }) => spanId === above, 30_000);
    }
    expect(way).toEqual(['POST /webhooks/:forgeId', 'plan', 'attempt', 'step']);
    expect(report.traceId).toBe(step1.traceId);

    for (const name of ['forge', 'here', 'there']) {
      const { status, text } = await fleet.node(name).health('metrics');
      expect(status).toBe(200);
      expect(text, name).toContain('solstice_host_lease_age_seconds{');
    }
    const counted = (await fleet.node('here').health('metrics')).text;
    expect(counted).toMatch(/^solstice_attempts_ended_total\{[^}]*state="succeeded"[^}]*\} 1$/m);
  });
});
