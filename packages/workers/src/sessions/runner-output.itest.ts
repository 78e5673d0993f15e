import { createHash } from 'node:crypto';
import { buildRunner } from '@solstice/runner/build';
import { eventually } from '@solstice/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { assignmentOf, generousLimits, mebibyte, RecordingHandler } from './testing/recording-handler.js';
import { Bench } from './testing/runner-process.js';

beforeAll(async () => {
  await buildRunner();
});

describe('what a step prints', () => {
  it.each([
    ['without a newline at its end', `printf 'no newline'`, Buffer.from('no newline')],
    ['that is not UTF-8', `printf '\\377\\376\\300ok\\n'`, Buffer.from([0xff, 0xfe, 0xc0, 0x6f, 0x6b, 0x0a])],
    ['with NUL bytes', `printf 'a\\000b\\000'`, Buffer.from([0x61, 0, 0x62, 0])],
    ['with colours', `printf '\\033[31mred\\033[0m\\r\\n'`, Buffer.from('\u001b[31mred\u001b[0m\r\n')],
  ])('is kept %s', async (_, script, expected) => {
    const handler = new RecordingHandler(assignmentOf([script]));
    await using bench = await Bench.make(handler);
    await bench.run();
    expect(handler.result).toEqual({ state: 'succeeded' });
    expect(handler.output(0).equals(expected)).toBe(true);
  });

  it('is kept byte for byte over 200,000 lines', async () => {
    const handler = new RecordingHandler(assignmentOf(['seq -f "line %.0f of a log that is long" 200000']));
    await using bench = await Bench.make(handler);
    await bench.run();
    const expected = createHash('sha256');
    for (let line = 1; line <= 200_000; line += 1) expected.update(`line ${line} of a log that is long\n`);
    const got = createHash('sha256').update(handler.output(0));
    expect(got.digest('hex')).toBe(expected.digest('hex'));
  });

  it('keeps the order of both streams, and their names', async () => {
    const script = 'for i in 1 2 3 4 5; do echo "out $i"; sleep 0.02; echo "err $i" >&2; sleep 0.02; done';
    const handler = new RecordingHandler(assignmentOf([script]));
    await using bench = await Bench.make(handler);
    await bench.run();
    const lines = handler.records.flatMap((record) => (record.kind === 'log' ? [record.data.toString()] : []));
    expect(lines.join('')).toBe([1, 2, 3, 4, 5].map((i) => `out ${i}\nerr ${i}\n`).join(''));
    expect(handler.output(0, 'stderr').toString()).toBe([1, 2, 3, 4, 5].map((i) => `err ${i}\n`).join(''));
  });

  it('goes to real pipes: the devices can be opened', async () => {
    const handler = new RecordingHandler(
      assignmentOf(['echo one > /dev/stderr; echo two | tee /dev/stderr; echo three > /dev/stdout']),
    );
    await using bench = await Bench.make(handler);
    await bench.run();
    expect(handler.result).toEqual({ state: 'succeeded' });
    expect(handler.output(0).toString()).toBe('two\nthree\n');
    expect(handler.output(0, 'stderr').toString()).toBe('one\ntwo\n');
  });

  it('is there while the step still runs', async () => {
    const handler = new RecordingHandler(assignmentOf(['echo first; read never < /dev/zero']));
    await using bench = await Bench.make(handler);
    await bench.startRunner();
    await eventually(() => handler.output(0).toString() === 'first\n');
    expect(handler.stepResults()).toEqual([]);
  });

  it('is cut at the cap of the log, with a line that says so', async () => {
    const limits = { ...generousLimits, logBytes: 100_000n };
    const handler = new RecordingHandler(assignmentOf(['yes 123456789 | head -n 50000', 'echo later'], { limits }));
    await using bench = await Bench.make(handler);
    await bench.run();
    expect(handler.result).toEqual({ state: 'succeeded' });
    expect(handler.output(0).equals(Buffer.from('123456789\n'.repeat(10_000)))).toBe(true);
    expect(handler.output(1)).toHaveLength(0);
    expect(handler.system.match(/limit of 100000 bytes/g)).toHaveLength(1);
  });
});

describe('a background child that holds the output open', () => {
  it('does not hold the step up, serves the next step, keeps its own step, and ends with the job', async () => {
    const handler = new RecordingHandler(
      assignmentOf([
        '(while :; do if [ -e ping ]; then echo pong; : > ponged; rm ping; fi; sleep 0.02; done) & echo $! > pid; echo started',
        ': > ping; while [ ! -e ponged ]; do sleep 0.02; done; cat pid',
      ]),
    );
    await using bench = await Bench.make(handler);
    expect((await bench.run()).exitCode).toBe(0);
    expect(handler.result).toEqual({ state: 'succeeded' });
    expect(handler.output(0).toString()).toBe('started\npong\n');
    const pid = Number(handler.output(1).toString());
    expect(pid).toBeGreaterThan(1);
    await eventually(() => !isAlive(pid), { describe: 'the background child is dead' });
  });

  it('has all that it printed until the end kept', async () => {
    const handler = new RecordingHandler(
      assignmentOf(['(i=0; while :; do i=$((i+1)); echo $i; done) & while [ ! -e go ]; do sleep 0.1; : > go; done']),
    );
    await using bench = await Bench.make(handler);
    await bench.run();
    const lines = handler.output(0).toString().split('\n').slice(0, -1);
    expect(lines.length).toBeGreaterThan(10);
    expect(lines.every((line, index) => line === String(index + 1))).toBe(true);
  });

  it('may have left the process group', async () => {
    const handler = new RecordingHandler(assignmentOf(['setsid sleep 60 & echo $! > pid; cat pid']));
    await using bench = await Bench.make(handler);
    const began = performance.now();
    await bench.run();
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(handler.result).toEqual({ state: 'succeeded' });
    // Such a one is the backend's to end, with the worker.
    process.kill(Number(handler.output(0).toString()), 'SIGKILL');
  });
});

describe('when the orchestrator stores slowly', () => {
  it('the spool grows on disk, memory does not, and nothing is lost', async () => {
    const bytes = 40 * mebibyte;
    const handler = new RecordingHandler(assignmentOf([`yes 'a line of the log' | head -c ${bytes}; : > printed`]));
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    handler.gate = () => released;
    await using bench = await Bench.make(handler);
    const runner = await bench.startRunner();
    await eventually(() => bench.inWork('printed'), { describe: 'the step is done printing' });
    // Printed is not yet read: the pipe holds some.
    await eventually(async () => (await bench.spooledBytes()) > bytes - 2 * mebibyte);
    const residentBytes = await runner.residentBytes();
    release();
    expect((await runner.ended).exitCode).toBe(0);
    const output = handler.output(0);
    expect(output).toHaveLength(bytes);
    expect(output.equals(Buffer.from('a line of the log\n'.repeat(bytes / 18 + 1)).subarray(0, bytes))).toBe(true);
    // Node alone takes some 60 MiB; had the log been in memory, it would be on top of that.
    expect(residentBytes).toBeLessThan(110 * mebibyte);
  });

  it('a full spool holds the step back until there is room', async () => {
    const limits = { ...generousLimits, spoolBytes: BigInt(2 * mebibyte) };
    const bytes = 8 * mebibyte;
    const handler = new RecordingHandler(assignmentOf([`yes x | head -c ${bytes}; : > printed`], { limits }));
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    handler.gate = () => released;
    await using bench = await Bench.make(handler);
    const runner = await bench.startRunner();
    await eventually(async () => (await bench.spooledBytes()) >= 2 * mebibyte);
    release();
    await runner.ended;
    expect(handler.result).toEqual({ state: 'succeeded' });
    expect(handler.output(0)).toHaveLength(bytes);
    expect(bench.largestSpoolBytes).toBeLessThan(2.5 * mebibyte);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
