import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildRunner } from '@solstice/runner/build';
import { eventually } from '@solstice/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { aliasOf, runnerBundleOf } from './testing/other-versions.js';
import { assignmentOf, RecordingHandler } from './testing/recording-handler.js';
import { Bench } from './testing/runner-process.js';
import { SessionServerProcess } from './testing/session-server-process.js';

beforeAll(async () => {
  await buildRunner();
});

const script = 'until [ -e go ]; do echo tick; sleep 0.02; done; echo done; echo bad >&2';

describe.each(['1.3', 'next-minor'] as const)('a runner of protocol %s', (version) => {
  it('does its job with this orchestrator', async () => {
    const handler = new RecordingHandler(assignmentOf([script, 'exit 3']));
    await using bench = await Bench.make(handler, { pingMs: 20 });
    const runner = await bench.startRunner({}, {}, { bundle: await runnerBundleOf(version, bench.directory.path) });
    await eventually(() => handler.output(0).length > 20);
    // A new stream, too.
    await bench.stopServer();
    await bench.startServer({ pingMs: 20 });
    await eventually(() => handler.opens === 2);
    await writeFile(join(bench.workDirectory, 'go'), '');
    expect(await runner.ended).toEqual({ exitCode: 0, signal: null, stderr: '' });
    expect(handler.output(0).toString()).toMatch(/^(tick\n)+done\n$/);
    expect(handler.output(0, 'stderr').toString()).toBe('bad\n');
    expect(handler.result).toMatchObject({ state: 'failed', cause: { kind: 'exit', exitCode: 3 } });
  });
});

describe.each(['1.3', 'next-minor'] as const)('an orchestrator of protocol %s', (version) => {
  it('has this runner do its job', async () => {
    const handler = new RecordingHandler(assignmentOf([]));
    await using bench = await Bench.make(handler);
    await bench.stopServer();
    const journal = join(bench.directory.path, 'journal');
    const socketDirectory = bench.sessionDirectory;
    const server = await SessionServerProcess.start({
      socketDirectory,
      journal,
      assignment: assignmentOf([script, 'exit 3']),
      alias: aliasOf(version),
    });
    try {
      const runner = await bench.startRunner();
      await eventually(async () => (await server.records()).length > 20);
      await writeFile(join(bench.workDirectory, 'go'), '');
      expect(await runner.ended).toEqual({ exitCode: 0, signal: null, stderr: '' });
      const records = await server.records();
      expect(records.map(({ seq }) => seq)).toEqual(records.map((_, index) => index + 1));
      expect(records.at(-1)).toMatchObject({ kind: 'job-finished', result: { state: 'failed' } });
    } finally {
      await server.kill();
    }
  });
});

it('a runner that knows no watchdog goes on with exclusive work: its host alone watches the time', async () => {
  const handler = new RecordingHandler(assignmentOf([script], { exclusive: true }));
  handler.validForMs = 1;
  await using bench = await Bench.make(handler);
  const runner = await bench.startRunner({}, {}, { bundle: await runnerBundleOf('1.0', bench.directory.path) });
  await eventually(() => handler.output(0).length > 100);
  expect(handler.runner).toEqual({ watchdog: false, policies: false, conditions: false });
  await writeFile(join(bench.workDirectory, 'go'), '');
  expect((await runner.ended).exitCode).toBe(0);
});

it.each([
  ['1.1', { watchdog: true, policies: false, conditions: false }],
  ['1.2', { watchdog: true, policies: true, conditions: false }],
  ['1.3', { watchdog: true, policies: true, conditions: true }],
] as const)('a runner of protocol %s says what it cannot do', async (version, abilities) => {
  const handler = new RecordingHandler(assignmentOf(['true']));
  await using bench = await Bench.make(handler);
  let seen: unknown;
  handler.gate = async () => {
    seen = handler.runner;
  };
  const runner = await bench.startRunner({}, {}, { bundle: await runnerBundleOf(version, bench.directory.path) });
  expect((await runner.ended).exitCode).toBe(0);
  expect(seen).toEqual(abilities);
});

it('a runner of another major version is told so, and ends', async () => {
  const handler = new RecordingHandler(assignmentOf(['true']));
  await using bench = await Bench.make(handler);
  const runner = await bench.startRunner({}, {}, { bundle: await runnerBundleOf('next-major', bench.directory.path) });
  expect(await runner.ended).toMatchObject({
    exitCode: 76,
    stderr: expect.stringContaining('protocol 2.0 is not spoken here, 1.4 is'),
  });
  expect(handler.opens).toBe(0);
});
