import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { isAbsolute, join, normalize, sep } from 'node:path';
import { OUTPUT_LIMITS } from '@solstice/common/rpc';

/** A sentence for people: why this file cannot become an output. */
export class NoOutput extends Error {
  override readonly name = 'NoOutput';
  /** The file is simply not there. */
  readonly missing: boolean;

  constructor(message: string, missing = false) {
    super(message);
    this.missing = missing;
  }
}

/** What a file of the work tree says, without newlines at its end, as a shell's `$(cat file)` would give it. Throws NoOutput. */
export function readOutputFile(workDirectory: string, path: string): string {
  const inside = normalize(path);
  if (path === '' || isAbsolute(path) || inside === '..' || inside.startsWith('../')) {
    throw new NoOutput(`${path} is outside the work tree`);
  }
  const file = resolved(workDirectory, path, inside);
  const bytes = contentOf(file, path);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.replace(/[\r\n]+$/, '');
  } catch {
    throw new NoOutput(`${path} is not UTF-8`);
  }
}

function resolved(workDirectory: string, path: string, inside: string): string {
  let file: string;
  try {
    file = realpathSync(join(workDirectory, inside));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new NoOutput(`${path} is not there`, true);
    throw new NoOutput(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (file.startsWith(realpathSync(workDirectory) + sep)) return file;
  throw new NoOutput(`${path} is a link to ${file}, outside the work tree`);
}

function contentOf(file: string, path: string): Buffer {
  const limit = OUTPUT_LIMITS.valueBytes;
  // Not followed: what is a link only now was not looked at. Not waited for: a pipe that nobody writes to has no end.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  let opened: number | undefined;
  try {
    opened = openSync(file, flags);
    if (!fstatSync(opened).isFile()) throw new NoOutput(`${path} is not a file`);
    // With newlines at its end it may be longer than its value, but not by much. Its size is not asked: it may grow.
    const bytes = Buffer.alloc(limit + 3);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = readSync(opened, bytes, length, bytes.length - length, null);
    }
    if (length === bytes.length) throw new NoOutput(`${path} has more than ${limit} bytes; hand a file on for more`);
    return bytes.subarray(0, length);
  } catch (error) {
    if (error instanceof NoOutput) throw error;
    throw new NoOutput(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    if (opened !== undefined) closeSync(opened);
  }
}
