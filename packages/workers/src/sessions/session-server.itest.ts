import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROTOCOL } from '@solstice/common/rpc';
import { createLogger } from '@solstice/common/telemetry';
import { eventually, temporaryDirectory } from '@solstice/testing';
import { describe, expect, it } from 'vitest';
import { createSessionServer } from './index.js';
import { RawRunner, status } from './testing/raw-runner.js';
import { assignmentOf, RecordingHandler } from './testing/recording-handler.js';
import { Bench } from './testing/runner-process.js';

const logger = createLogger({ level: 'silent' });

async function makeBench(limits: Parameters<typeof Bench.make>[1] = {}) {
  const handler = new RecordingHandler(assignmentOf(['true']));
  const bench = await Bench.make(handler, limits);
  return { handler, bench, socket: join(bench.sessionDirectory, 'session.sock') };
}

describe('the session server, to a stranger', () => {
  it.each([
    ['an unknown worker', { workerId: 'worker-2' }, status.UNAUTHENTICATED],
    ['a wrong token', { token: Buffer.alloc(32, 8) }, status.UNAUTHENTICATED],
    ['a short token', { token: Buffer.alloc(0) }, status.UNAUTHENTICATED],
    ['a short secret', { sessionSecret: Buffer.alloc(31) }, status.UNAUTHENTICATED],
    ['a later protocol', { protocol: { major: 2, minor: 0 } }, status.FAILED_PRECONDITION],
    ['no protocol', { protocol: undefined }, status.FAILED_PRECONDITION],
  ])('refuses %s', async (_, changes, code) => {
    const { bench, handler, socket } = await makeBench();
    await using _bench = bench;
    using runner = new RawRunner(socket);
    runner.hello(changes);
    expect((await runner.end()).code).toBe(code);
    expect(runner.received).toEqual([]);
    expect(handler.control).toBeUndefined();
  });

  it('lets any minor version of its protocol in', async () => {
    const { bench, socket } = await makeBench();
    await using _bench = bench;
    using runner = new RawRunner(socket);
    runner.hello({ protocol: { major: 1, minor: 99 } });
    expect((await runner.got('welcome')).value.protocol).toEqual(PROTOCOL);
  });

  it('refuses the token with another secret, and leaves the one that has it alone', async () => {
    const { bench, socket } = await makeBench();
    await using _bench = bench;
    using first = new RawRunner(socket);
    first.hello({});
    await first.got('welcome');
    using second = new RawRunner(socket);
    second.hello({ sessionSecret: Buffer.alloc(32, 2) });
    expect((await second.end()).code).toBe(status.UNAUTHENTICATED);
    first.log(1);
    await first.got('logAck');
  });

  it('takes nothing before the hello, no second hello, and does not wait for ever', async () => {
    const { bench, handler, socket } = await makeBench({ helloWithinMs: 200 });
    await using _bench = bench;
    using early = new RawRunner(socket);
    early.log(1);
    expect((await early.end()).code).toBe(status.INVALID_ARGUMENT);
    using twice = new RawRunner(socket);
    twice.hello({});
    await twice.got('welcome');
    twice.hello({});
    expect((await twice.end()).code).toBe(status.INVALID_ARGUMENT);
    using silent = new RawRunner(socket);
    silent.send({ $case: 'heartbeat', value: { load: 0, number: 0n } });
    await silent.end();
    using mute = new RawRunner(socket);
    expect((await mute.end()).code).toBe(status.DEADLINE_EXCEEDED);
    expect(handler.records).toEqual([]);
  });
});

describe('the session server, to its runner', () => {
  it('gives the assignment to a stream that has none, and pings', async () => {
    const { bench, handler, socket } = await makeBench({ pingMs: 20 });
    await using _bench = bench;
    using runner = new RawRunner(socket);
    runner.hello({ hasAssignment: false });
    expect((await runner.got('assignment')).value.steps).toHaveLength(1);
    expect((await runner.got('ping')).value.validForMs).toBe(0n);
    using again = new RawRunner(socket);
    again.hello({});
    await again.got('ping');
    expect(again.received.map((message) => message.$case)).not.toContain('assignment');
    expect(handler.assignments).toBe(1);
  });

  it('a second stream of the same runner takes the place of the first', async () => {
    const { bench, handler, socket } = await makeBench();
    await using _bench = bench;
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    handler.gate = () => released;
    using first = new RawRunner(socket);
    first.hello({});
    await first.got('welcome');
    first.log(1);
    using second = new RawRunner(socket);
    second.hello({});
    // What the first had on its way is settled before the second is told what is durable.
    await first.end();
    expect(second.received).toEqual([]);
    release();
    expect((await second.got('welcome')).value.durableSeq).toBe(1n);
  });

  it('accepts overlap, and answers a gap by ending the stream', async () => {
    const { bench, handler, socket } = await makeBench();
    await using _bench = bench;
    using first = new RawRunner(socket);
    first.hello({});
    for (const seq of [1, 2, 2, 1, 3]) first.log(seq);
    await eventually(() => handler.records.length === 3);
    first.log(5);
    expect(await first.end()).toMatchObject({ code: status.OUT_OF_RANGE, details: expect.stringContaining('4') });
    using second = new RawRunner(socket);
    second.hello({});
    expect((await second.got('welcome')).value.durableSeq).toBe(3n);
    for (const seq of [2, 3, 4]) second.log(seq);
    await eventually(() => handler.records.length === 4);
    expect(handler.records.map((record) => record.seq)).toEqual([1, 2, 3, 4]);
  });

  it('passes over what only a newer runner knows: whole messages, and records, of which the number counts', async () => {
    const { bench, handler, socket } = await makeBench();
    await using _bench = bench;
    using runner = new RawRunner(socket);
    runner.hello({});
    await runner.got('welcome');
    runner.stream.write({ message: undefined });
    runner.log(1);
    runner.send({ $case: 'record', value: { seq: 2n, atMs: 0n, body: undefined } });
    runner.log(3);
    await eventually(() => handler.records.length === 3);
    expect(handler.output(0).toString()).toBe('xx');
    expect(runner.ended).toBeUndefined();
  });

  it('ends the stream of one that says what cannot be', async () => {
    const { bench, handler, socket } = await makeBench();
    await using _bench = bench;
    using runner = new RawRunner(socket);
    runner.hello({});
    runner.log(1, Buffer.from('x'), 7);
    expect((await runner.end()).details).toContain('no step 7');
    expect(handler.records).toEqual([]);
  });

  it('reads no further ahead of the store than its limit, and stores in batches', async () => {
    const { bench, handler, socket } = await makeBench();
    await using _bench = bench;
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    handler.gate = () => released;
    using runner = new RawRunner(socket);
    runner.hello({});
    const chunk = Buffer.alloc(64 * 1024, 1);
    const chunks = 400;
    let written = 0;
    for (let seq = 1; seq <= chunks; seq += 1) {
      const body = { $case: 'log', value: { step: 0, stream: 1, data: chunk } } as const;
      const message = { $case: 'record', value: { seq: BigInt(seq), atMs: 0n, body } } as const;
      runner.stream.write({ message }, () => {
        written += 1;
      });
    }
    let last = -1;
    const settled = await eventually(
      () => {
        const still = written === last && written > 0;
        last = written;
        return still ? { written } : undefined;
      },
      { intervalMs: 300 },
    );
    // A mebibyte is 16 chunks; then there is what lies in between: two sockets and both libraries.
    expect(settled.written).toBeLessThan(120);
    release();
    await eventually(() => handler.records.length === chunks);
    expect(Math.max(...handler.batches)).toBeLessThanOrEqual(4);
    expect(handler.batches.length).toBeLessThan(chunks);
  });

  it('comes back to one whose store fails, without losing its place', async () => {
    const { bench, handler, socket } = await makeBench();
    await using _bench = bench;
    handler.gate = async () => {
      throw new Error('the database is away');
    };
    using runner = new RawRunner(socket);
    runner.hello({});
    runner.log(1);
    expect((await runner.end()).code).toBe(status.UNAVAILABLE);
    expect(handler.control).toBeUndefined();
    handler.gate = async () => {};
    using again = new RawRunner(socket);
    again.hello({});
    expect((await again.got('welcome')).value.durableSeq).toBe(0n);
  });
});

describe('the session socket', () => {
  it('may be connected to by any user, and takes the place of a stale one', async () => {
    const { bench, socket } = await makeBench();
    await using _bench = bench;
    expect((await stat(socket)).mode & 0o777).toBe(0o666);
    await bench.stopServer();
    await expect(stat(socket)).rejects.toThrow('ENOENT');
    await writeFile(socket, 'left over');
    await bench.startServer();
    expect((await stat(socket)).isSocket()).toBe(true);
  });

  it('of the next process is not removed by the end of the one before', async () => {
    const { bench, handler, socket } = await makeBench();
    await using _bench = bench;
    const next = await createSessionServer({ socketDirectory: bench.sessionDirectory, handler, logger });
    await bench.stopServer();
    using runner = new RawRunner(socket);
    runner.hello({});
    await runner.got('welcome');
    await next.close();
  });

  it('cannot have a path that is too long, and says so', async () => {
    await using directory = await temporaryDirectory();
    const socketDirectory = join(directory.path, 'x'.repeat(90));
    await mkdir(socketDirectory);
    const handler = new RecordingHandler(assignmentOf([]));
    await expect(createSessionServer({ socketDirectory, handler, logger })).rejects.toThrow('too long');
  });
});
