import { Writable } from 'node:stream';
import type { Io } from '../io.js';
import { run } from '../run.js';

export interface Recorded {
  code: number;
  stdout: string;
  stderr: string;
  bytes: Buffer;
}

/** Takes everything in; `failWith` makes it a pipe whose reader has left. */
export class Recorder extends Writable {
  readonly pieces: Buffer[] = [];
  readonly #failWith: string | undefined;

  constructor(failWith?: string) {
    super();
    this.#failWith = failWith;
  }

  override _write(piece: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.pieces.push(piece);
    done(this.#failWith === undefined ? null : Object.assign(new Error(this.#failWith), { code: this.#failWith }));
  }

  get bytes(): Buffer {
    return Buffer.concat(this.pieces);
  }
}

export function testIo(overrides: Partial<Io> = {}): Io {
  return {
    stdout: new Recorder(),
    stderr: new Recorder(),
    colour: false,
    columns: undefined,
    env: {},
    machine: {
      cpus: 2,
      memoryBytes: 2 ** 32,
      hostname: 'here',
      uid: 1000,
      home: '/nowhere',
      workingDirectory: '/nowhere',
    },
    clock: { now: () => new Date('2026-01-02T03:04:05Z') },
    interrupted: new AbortController().signal,
    solsticeCommand: ['solstice'],
    ...overrides,
  };
}

/** `ciadm` with these words, in this process. */
export async function ciadm(argv: readonly string[], overrides: Partial<Io> = {}): Promise<Recorded> {
  const stdout = new Recorder();
  const stderr = new Recorder();
  const code = await run(argv, testIo({ stdout, stderr, ...overrides }));
  return { code, stdout: stdout.bytes.toString(), stderr: stderr.bytes.toString(), bytes: stdout.bytes };
}
