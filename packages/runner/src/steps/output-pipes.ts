import { spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';

/** Both ends of a pipe. The write end is closed with `closeSync` once a child has it. */
export interface OutputPipe {
  reader: Readable;
  writeEnd: number;
}

/**
 * Real pipes for a step's two outputs. Node itself gives a child socket pairs, and opening those again is an error:
 * `echo … > /dev/stderr` and `tee /dev/stdout` would fail in every step. Node has no call that makes a pipe, so a
 * shell makes two and we open them through /proc.
 *
 * Undefined where that does not work (no /proc); the caller then takes what Node has.
 */
export async function makeOutputPipes(): Promise<[OutputPipe, OutputPipe] | undefined> {
  // The pipe is moved to 5 for good before the number is told: a shell that redirects for one command only swaps
  // descriptors under our eyes.
  const script = "p() { exec /bin/sh -c 'echo $$; read x <&4' 5>&1 1>&3; }; p | p | :";
  const maker = spawn('/bin/sh', ['-c', script], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], env: {} });
  const ended = new Promise<undefined>((resolve) => {
    maker.once('error', () => resolve(undefined));
    maker.once('exit', () => resolve(undefined));
  });
  const [, , , pids, hold] = maker.stdio;
  hold?.on('error', () => undefined);
  try {
    if (pids === null || pids === undefined || !('read' in pids)) return undefined;
    pids.on('error', () => undefined);
    const answer = await Promise.race([readTwoLines(pids), ended]);
    if (answer === undefined) return undefined;
    return openPipes(answer);
  } finally {
    // End of file lets the two shells go.
    hold?.destroy();
    await ended;
  }
}

function readTwoLines(from: Readable): Promise<[string, string]> {
  let text = '';
  return new Promise((resolve) => {
    from.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const [first, second, rest] = text.split('\n');
      if (first !== undefined && second !== undefined && rest !== undefined) resolve([first, second]);
    });
  });
}

function openPipes(pids: [string, string]): [OutputPipe, OutputPipe] | undefined {
  const opened: number[] = [];
  const open = (pid: string, flags: number): number => {
    const fd = openSync(`/proc/${pid}/fd/5`, flags);
    opened.push(fd);
    return fd;
  };
  try {
    const ends = pids.map((pid) => ({
      read: open(pid, constants.O_RDONLY | constants.O_NONBLOCK),
      write: open(pid, constants.O_WRONLY),
    }));
    const [first, second] = ends;
    if (first === undefined || second === undefined) return undefined;
    return [toPipe(first), toPipe(second)];
  } catch {
    for (const fd of opened) closeSync(fd);
    return undefined;
  }
}

function toPipe(ends: { read: number; write: number }): OutputPipe {
  return { reader: new Socket({ fd: ends.read, readable: true, writable: false }), writeEnd: ends.write };
}
