import { readFileSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { exitCodes, RunnerExit } from './exit-codes.js';

/** What a worker is born with. The backend writes it; later additions are optional. */
export interface Boot {
  workerId: string;
  /** 32 bytes, single use. */
  token: Buffer;
  /** gRPC target: `unix:/…/session.sock` */
  address: string;
  workDirectory: string;
  spoolDirectory: string;
  /** How long the job goes on without an orchestrator. */
  detachedMs: number;
}

const defaultDetachedMs = 15 * 60_000;

/** Reads the command line (`--boot <file>`) and the file. Throws RunnerExit `usage` with the field that is wrong. */
export function readBoot(commandLine: readonly string[]): Boot {
  const [flag, path, ...rest] = commandLine;
  if (flag !== '--boot' || path === undefined || rest.length > 0) {
    throw new RunnerExit(exitCodes.usage, 'usage: runner.cjs --boot <file>');
  }
  let fields: unknown;
  try {
    fields = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new RunnerExit(exitCodes.usage, `boot file ${path}: cannot be read`, { cause: error });
  }
  if (typeof fields !== 'object' || fields === null)
    throw new RunnerExit(exitCodes.usage, `boot file ${path}: not an object`);
  const entries = new Map<string, unknown>(Object.entries(fields));
  const text = (name: string, valid: (value: string) => boolean): string => {
    const value = entries.get(name);
    if (typeof value === 'string' && valid(value)) return value;
    throw new RunnerExit(exitCodes.usage, `boot file ${path}: ${name} is missing or wrong`);
  };
  const detachedMs = entries.get('detachedMs');
  return {
    workerId: text('workerId', (value) => value !== ''),
    token: Buffer.from(
      text('token', (value) => Buffer.from(value, 'base64').length === 32),
      'base64',
    ),
    address: text('address', (value) => value !== ''),
    workDirectory: text('workDirectory', isAbsolute),
    spoolDirectory: text('spoolDirectory', isAbsolute),
    detachedMs: typeof detachedMs === 'number' && detachedMs > 0 ? detachedMs : defaultDetachedMs,
  };
}
