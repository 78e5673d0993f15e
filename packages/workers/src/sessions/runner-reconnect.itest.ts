import { writeFile } from 'node:fs/promises';
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

/** Prints numbered lines until a file is there, and then how many there were. */
const counting =
  'i=0; while [ ! -e go ]; do i=$((i+1)); echo "line $i"; [ $((i % 50)) != 0 ] || sleep 0.01; done; echo "$i" > count';

function expectWholeLog(output: Buffer): void {
  const lines = output.toString().split('\n').slice(0, -1);
  expect(lines.length).toBeGreaterThan(100);
  for (const [index, line] of lines.entries()) {
    if (line !== `line ${index + 1}`) throw new Error(`line ${index + 1} is ${JSON.stringify(line)}`);
  }
}

describe('when the stream breaks', () => {
  it('the same runner goes on with the next server, and no record is lost or doubled', async () => {
    const handler = new RecordingHandler(assignmentOf([counting]));
    await using bench = await Bench.make(handler);
    const runner = await bench.startRunner();
    for (let restart = 1; restart <= 3; restart += 1) {
      const had = handler.records.length;
      await eventually(() => handler.records.length > had + 3);
      await bench.stopServer();
      await bench.startServer();
    }
    const had = handler.records.length;
    await eventually(() => handler.records.length > had);
    await writeFile(join(bench.workDirectory, 'go'), '');
    expect((await runner.ended).exitCode).toBe(0);
    expect(handler.assignments).toBe(1);
    expect(handler.opens).toBe(4);
    expectWholeLog(handler.output(0));
  });

  it('a server killed in the middle of a step is no loss: what it had not stored comes again', async () => {
    const handler = new RecordingHandler(assignmentOf([]));
    await using bench = await Bench.make(handler);
    await bench.stopServer();
    const journal = join(bench.directory.path, 'journal');
    const assignment = assignmentOf([counting]);
    const start = () => SessionServerProcess.start({ socketDirectory: bench.sessionDirectory, journal, assignment });
    let server = await start();
    try {
      const runner = await bench.startRunner();
      for (let kill = 1; kill <= 3; kill += 1) {
        const had = (await server.records()).length;
        await eventually(async () => (await server.records()).length > had + 3);
        await server.kill();
        server = await start();
      }
      await writeFile(join(bench.workDirectory, 'go'), '');
      expect((await runner.ended).exitCode).toBe(0);
      const records = await server.records();
      expect(records.map((record) => record.seq)).toEqual(records.map((_, index) => index + 1));
      expect(records.at(-1)).toMatchObject({ kind: 'job-finished', result: { state: 'succeeded' } });
      expectWholeLog(Buffer.concat(records.flatMap((record) => (record.kind === 'log' ? [record.data] : []))));
    } finally {
      await server.kill();
    }
  });

  it('answers that are lost after the storing double nothing', async () => {
    const handler = new RecordingHandler(assignmentOf([counting]));
    handler.loseAnswers = 5;
    await using bench = await Bench.make(handler);
    const runner = await bench.startRunner();
    await eventually(() => handler.loseAnswers === 0 && handler.records.length > 20);
    await writeFile(join(bench.workDirectory, 'go'), '');
    expect((await runner.ended).exitCode).toBe(0);
    expect(handler.opens).toBeGreaterThan(5);
    expect(handler.records.map((record) => record.seq)).toEqual(handler.records.map((_, index) => index + 1));
    expectWholeLog(handler.output(0));
  });

  it('a lost answer to the very last record is no loss either', async () => {
    const handler = new RecordingHandler(assignmentOf(['true']));
    const isLast = () => handler.records.at(-1)?.kind === 'step-finished';
    handler.gate = async () => {
      if (isLast()) handler.loseAnswers = 1;
    };
    await using bench = await Bench.make(handler);
    expect((await bench.run()).exitCode).toBe(0);
    expect(handler.records.filter((record) => record.kind === 'job-finished')).toHaveLength(1);
  });

  it('the job goes on without an orchestrator for a while, and the result waits for it', async () => {
    const handler = new RecordingHandler(assignmentOf(['while [ ! -e go ]; do sleep 0.02; done; echo done; : > over']));
    await using bench = await Bench.make(handler);
    const runner = await bench.startRunner();
    await eventually(() => handler.records.length > 0);
    await bench.stopServer();
    await writeFile(join(bench.workDirectory, 'go'), '');
    await eventually(() => bench.inWork('over'));
    await bench.startServer();
    expect((await runner.ended).exitCode).toBe(0);
    expect(handler.output(0).toString()).toBe('done\n');
    expect(handler.result).toEqual({ state: 'succeeded' });
  });

  it('without one for too long it kills its steps and exits with 69', async () => {
    const handler = new RecordingHandler(assignmentOf(['echo $$; while :; do sleep 0.05; done']));
    await using bench = await Bench.make(handler);
    const runner = await bench.startRunner({ detachedMs: 500 });
    const pid = await eventually(() => Number(handler.output(0).toString()) || undefined);
    await bench.stopServer();
    expect((await runner.ended).exitCode).toBe(69);
    await eventually(() => {
      try {
        process.kill(pid, 0);
        return false;
      } catch {
        return true;
      }
    });
  });

  it('a runner waits for a server that is not there yet', async () => {
    const handler = new RecordingHandler(assignmentOf(['echo done']));
    await using bench = await Bench.make(handler);
    await bench.stopServer();
    const runner = await bench.startRunner();
    await eventually(() => runner.residentBytes().then((bytes) => bytes > 0));
    await bench.startServer();
    expect((await runner.ended).exitCode).toBe(0);
  });

  it('a cancel that was asked for meanwhile reaches it', async () => {
    const handler = new RecordingHandler(assignmentOf(['echo up; while :; do sleep 0.05; done']));
    await using bench = await Bench.make(handler);
    const runner = await bench.startRunner();
    await eventually(() => handler.output(0).length > 0);
    await bench.stopServer();
    await bench.startServer();
    await eventually(() => handler.control !== undefined);
    handler.control?.cancel('at last');
    await runner.ended;
    expect(handler.result?.state).toBe('cancelled');
  });
});
