import { readFileSync } from 'node:fs';
import { SolsticeError, toError } from '../errors/index.js';
import { formatDiagnostics } from '../kdl/index.js';
import type { HostDescription } from './host-description.js';
import { readHostFileBytes } from './read-host-file.js';

/**
 * Reads the file that the setting `host.file` names.
 *
 * @throws SolsticeError host-file-invalid, with every place that is wrong, as `solstice check-host` shows them
 */
export function loadHostFile(path: string): HostDescription {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (thrown) {
    const reason = (thrown as NodeJS.ErrnoException).code ?? toError(thrown).message;
    throw new SolsticeError('host-file-invalid', `${path} cannot be read (${reason})`, { cause: thrown });
  }
  const result = readHostFileBytes(bytes, path);
  if ('host' in result) return result.host;
  const told = formatDiagnostics(result.diagnostics, { [path]: result.text }, { color: false });
  throw new SolsticeError('host-file-invalid', `the host file is wrong:\n${told.trimEnd()}`);
}
