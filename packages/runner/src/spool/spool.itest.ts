import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { Segment } from './segment.js';
import { Spool } from './spool.js';

/** What the spool must be equal to: a list of messages, and two marks in it. */
interface Model {
  lengths: number[];
  /** The first message that the disk had no room for and that is not acknowledged. */
  firstInMemory: number | undefined;
  hasRoom: boolean;
  sent: number;
  acked: number;
}

type Action =
  | { kind: 'append'; bytes: number }
  | { kind: 'send'; count: number }
  | { kind: 'disk'; hasRoom: boolean }
  | { kind: 'ack'; part: number }
  | { kind: 'reconnect'; part: number };

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('append'), bytes: fc.integer({ min: 0, max: 3000 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('send'), count: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('disk'), hasRoom: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('ack'), part: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('reconnect'), part: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
) as fc.Arbitrary<Action>;

const made: { spool: Spool; directory: string }[] = [];
function removeAll(): void {
  for (const { spool, directory } of made.splice(0)) {
    spool.close();
    rmSync(directory, { recursive: true });
  }
}
afterEach(removeAll);

class CrampedSegment extends Segment {
  readonly #hasRoom: () => boolean;

  constructor(path: string, hasRoom: () => boolean) {
    super(path);
    this.#hasRoom = hasRoom;
  }

  override append(message: Uint8Array): boolean {
    return this.#hasRoom() && super.append(message);
  }
}

function makeSpool(capacityBytes = 10_000, segmentBytes = 4_000, hasRoom = () => true) {
  const directory = mkdtempSync(join(tmpdir(), 'solstice-spool-'));
  const openSegment = (path: string) => new CrampedSegment(path, hasRoom);
  const spool = new Spool({ directory, segmentBytes, capacityBytes, openSegment });
  made.push({ spool, directory });
  return { spool, directory };
}

/** A message that tells its number, and cannot be taken for another. */
function message(seq: number, bytes: number): Buffer {
  const text = Buffer.alloc(bytes + 4, seq % 251);
  text.writeUInt32BE(seq);
  return text;
}

/** A number between what is acknowledged and what was sent. */
const between = (model: Model, part: number) => model.acked + Math.floor((model.sent - model.acked) * part);

describe('the spool', () => {
  it('gives every message once a stream, in order, whole, and forgets what is acknowledged', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
        const model: Model = { lengths: [], sent: 0, acked: 0, firstInMemory: undefined, hasRoom: true };
        const { spool, directory } = makeSpool(10_000, 4_000, () => model.hasRoom);
        for (const step of actions) {
          apply(spool, model, step);
          compare(spool, model, directory);
        }
        // Whatever happened: all that is not acknowledged can still be had after a reconnect.
        apply(spool, model, { kind: 'reconnect', part: 0 });
        apply(spool, model, { kind: 'send', count: model.lengths.length });
        expect(model.sent).toBe(model.lengths.length);
        apply(spool, model, { kind: 'ack', part: 1 });
        expect(spool.unackedBytes).toBe(0);
        expect(readdirSync(directory).length).toBeLessThanOrEqual(1);
        removeAll();
      }),
      { numRuns: 150 },
    );
  });

  it('takes no acknowledgement of what was never sent, and no going back', () => {
    const { spool } = makeSpool();
    spool.append((seq) => message(seq, 1));
    spool.append((seq) => message(seq, 1));
    spool.next();
    expect(() => spool.ack(2)).toThrow('only 1 was sent');
    spool.ack(1);
    expect(() => spool.rewind(0)).toThrow('1 was acknowledged');
    expect(spool.ackedSeq).toBe(1);
  });

  it('is full at its capacity, and says when there is room again', () => {
    const { spool } = makeSpool(1000);
    let rooms = 0;
    spool.onRoom(() => {
      rooms += 1;
    });
    for (let count = 0; count < 10; count += 1) spool.append((seq) => message(seq, 96));
    expect(spool.isFull).toBe(true);
    for (let count = 0; count < 10; count += 1) spool.next();
    spool.ack(1);
    expect({ full: spool.isFull, rooms }).toEqual({ full: false, rooms: 0 });
    spool.ack(3);
    expect(rooms).toBe(1);
  });

  it('keeps disk use near what is not acknowledged', () => {
    const { spool, directory } = makeSpool(1_000_000, 4_000);
    for (let count = 0; count < 100; count += 1) spool.append((seq) => message(seq, 996));
    expect(readdirSync(directory)).toHaveLength(25);
    for (let count = 0; count < 100; count += 1) spool.next();
    spool.ack(90);
    expect(readdirSync(directory).length).toBeLessThanOrEqual(4);
  });
});

function apply(spool: Spool, model: Model, step: Action): void {
  switch (step.kind) {
    case 'append': {
      const seq = spool.append((number) => message(number, step.bytes));
      model.lengths.push(step.bytes + 4);
      if (!model.hasRoom) model.firstInMemory ??= seq;
      expect(seq).toBe(model.lengths.length);
      return;
    }
    case 'send':
      for (let count = 0; count < step.count; count += 1) {
        const got = spool.next();
        if (model.sent === model.lengths.length) {
          expect(got).toBeUndefined();
          return;
        }
        model.sent += 1;
        const expected = message(model.sent, (model.lengths[model.sent - 1] ?? 0) - 4);
        expect(got !== undefined && expected.equals(got)).toBe(true);
      }
      return;
    case 'disk':
      model.hasRoom = step.hasRoom;
      return;
    case 'ack':
      model.acked = between(model, step.part);
      forget(model);
      return spool.ack(model.acked);
    case 'reconnect':
      model.acked = between(model, step.part);
      model.sent = model.acked;
      forget(model);
      return spool.rewind(model.acked);
  }
}

/** What is in memory is always the newest: it is all gone only with the last of it. */
function forget(model: Model): void {
  if (model.acked === model.lengths.length) model.firstInMemory = undefined;
}

function compare(spool: Spool, model: Model, directory: string): void {
  const sum = (lengths: number[]) => lengths.reduce((total, length) => total + length, 0);
  const unackedBytes = sum(model.lengths.slice(model.acked));
  expect({
    lastSeq: spool.lastSeq,
    ackedSeq: spool.ackedSeq,
    inFlightBytes: spool.inFlightBytes,
    unackedBytes: spool.unackedBytes,
    isFull: spool.isFull,
  }).toEqual({
    lastSeq: model.lengths.length,
    ackedSeq: model.acked,
    inFlightBytes: sum(model.lengths.slice(model.acked, model.sent)),
    unackedBytes,
    isFull: unackedBytes >= 10_000 || model.firstInMemory !== undefined,
  });
  expect(readdirSync(directory).length).toBeLessThanOrEqual(2 + Math.ceil(unackedBytes / 4_000) + 1);
}
