import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@solstice/common/telemetry';
import type Docker from 'dockerode';
import type { WorkerExit } from '../backend.js';
import { lastLines } from '../last-lines.js';
import { statusOf, unlessAbsent } from './docker-errors.js';

const RECONNECT_MS_MIN = 100;
const RECONNECT_MS_MAX = 5_000;
const LAST_OUTPUT_LINES = 20;

/** Ends with the container, also over restarts of the engine: after a lost connection it looks, and waits on. */
export async function waitForContainer(docker: Docker, name: string, logger: Logger): Promise<WorkerExit> {
  let pauseMs = RECONNECT_MS_MIN;
  for (;;) {
    try {
      const exit = await look(docker, name);
      if (exit !== undefined) return exit;
      pauseMs = RECONNECT_MS_MIN;
      await untilNotRunning(docker, name);
    } catch (thrown) {
      if (statusOf(thrown) === 404) return { kind: 'gone' };
      logger.debug({ container: name, err: thrown }, 'lost sight of a container');
      await delay(pauseMs, undefined, { ref: false });
      pauseMs = Math.min(pauseMs * 2, RECONNECT_MS_MAX);
    }
  }
}

/** Undefined: it runs. */
async function look(docker: Docker, name: string): Promise<WorkerExit | undefined> {
  const container = docker.getContainer(name);
  const state = (await unlessAbsent(container.inspect()))?.State;
  // Made, and its maker died before starting it: nothing of it ever ran.
  if (state === undefined || state.Status === 'created') return { kind: 'gone' };
  if (state.Running || state.Restarting || state.Paused) return undefined;
  return {
    kind: 'exited',
    exitCode: state.ExitCode,
    // The container's init answers with 128 and the signal's number; which of the two it was can't be told.
    signal: undefined,
    outOfMemory: state.OOMKilled,
    lastOutput: await lastOutput(container).catch(() => state.Error),
  };
}

/**
 * The engine sends the head of its answer at once and the rest when the container ends. Read as a stream here,
 * because the library's own `wait` never settles when the engine dies in between.
 */
async function untilNotRunning(docker: Docker, name: string): Promise<void> {
  const answer = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
    const call = {
      path: `/containers/${name}/wait?`,
      method: 'POST',
      isStream: true,
      statusCodes: { 200: true, 404: 'no such container', 500: 'server error' },
      options: { condition: 'not-running' },
    };
    docker.modem.dial(call, (error: unknown, stream: unknown) => {
      if (error) reject(error);
      else resolve(stream as NodeJS.ReadableStream);
    });
  });
  for await (const _ of answer) {
    // What it says is asked for again with the state.
  }
}

/** Of both streams, as many lines as are shown. */
export async function lastOutput(container: Docker.Container): Promise<string> {
  const frames = await container.logs({ stdout: true, stderr: true, tail: LAST_OUTPUT_LINES, follow: false });
  return lastLines(withoutFrames(Buffer.from(frames)), LAST_OUTPUT_LINES);
}

/** Each piece of the log has a head of 8 bytes: stream, three zeros, length. */
export function withoutFrames(log: Buffer): string {
  const pieces: Buffer[] = [];
  for (let at = 0; at + 8 <= log.length; ) {
    const end = at + 8 + log.readUInt32BE(at + 4);
    pieces.push(log.subarray(at + 8, end));
    at = end;
  }
  return Buffer.concat(pieces).toString('utf8');
}
