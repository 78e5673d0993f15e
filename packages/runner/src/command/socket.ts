import { constants, openSync } from 'node:fs';
import { join } from 'node:path';

const socketName = 'command.sock';
// The kernel's sun_path has 108 bytes, with the zero at its end.
const maxPathBytes = 107;

/** How to name the socket in this directory, however long the directory's path is. A long one holds it open from here on. */
export function socketPathIn(directory: string): string {
  const path = join(directory, socketName);
  if (Buffer.byteLength(path) <= maxPathBytes) return path;
  const opened = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  return `/proc/self/fd/${opened}/${socketName}`;
}
