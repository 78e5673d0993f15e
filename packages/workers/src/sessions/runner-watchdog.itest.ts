import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildRunner } from '@solstice/runner/build';
import { eventually } from '@solstice/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { assignmentOf, RecordingHandler } from './testing/recording-handler.js';
import { Bench } from './testing/runner-process.js';
import { SessionServerProcess } from './testing/session-server-process.js';

beforeAll(async () => {
  await buildRunner();
});

/** Neither SIGTERM nor its shell's end takes it along. */
const stubborn = `trap '' TERM; sh -c 'echo $$ > pid; echo up; exec sleep 1000' & wait`;
const untilGo = 'echo up; until [ -e go ]; do sleep 0.05; done';

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('exclusive work', () => {
  it.each(['suspended', 'killed'] as const)('is dead in time when its orchestrator is %s', async (fate) => {
    const handler = new RecordingHandler(assignmentOf([]));
    await using bench = await Bench.make(handler);
    await bench.stopServer();
    const server = await SessionServerProcess.start({
      socketDirectory: bench.sessionDirectory,
      journal: join(bench.directory.path, 'journal'),
      assignment: assignmentOf([stubborn], { exclusive: true }),
      validForMs: 3_000,
    });
    try {
      const runner = await bench.startRunner();
      await eventually(async () => (await server.records()).some(({ kind }) => kind === 'log'));
      const pid = Number(await readFile(join(bench.workDirectory, 'pid'), 'utf8'));
      expect(isAlive(pid)).toBe(true);
      if (fate === 'suspended') server.suspend();
      else await server.kill();
      expect(await runner.ended).toMatchObject({ exitCode: 80, stderr: expect.stringContaining('exclusive') });
      await eventually(() => !isAlive(pid));
    } finally {
      await server.kill();
    }
  });

  it('goes on while its orchestrator says that it may, also over a new stream', async () => {
    const handler = new RecordingHandler(assignmentOf([untilGo], { exclusive: true }));
    handler.validForMs = 4_000;
    await using bench = await Bench.make(handler);
    const runner = await bench.startRunner();
    await eventually(() => handler.output(0).length > 0);
    await bench.stopServer();
    await bench.startServer();
    const heard = handler.validitiesAsked;
    // More answers than one validity is long.
    await eventually(() => handler.validitiesAsked > heard + 8, { timeoutMs: 30_000 });
    await writeFile(join(bench.workDirectory, 'go'), '');
    expect((await runner.ended).exitCode).toBe(0);
    expect(handler.runner).toEqual({ watchdog: true, policies: true, conditions: true });
  });

  it('does not begin when nobody says how long it may go on', async () => {
    const handler = new RecordingHandler(assignmentOf([untilGo], { exclusive: true }));
    await using bench = await Bench.make(handler);
    expect((await (await bench.startRunner()).ended).exitCode).toBe(80);
    expect(handler.output(0)).toHaveLength(0);
  });
});

it('ordinary work has no such clock', async () => {
  const handler = new RecordingHandler(assignmentOf([untilGo]));
  handler.validForMs = 1;
  await using bench = await Bench.make(handler, { pingMs: 10 });
  const runner = await bench.startRunner();
  await eventually(() => handler.output(0).length > 0);
  await writeFile(join(bench.workDirectory, 'go'), '');
  expect((await runner.ended).exitCode).toBe(0);
});
