import { type Diagnostic, decodeText, readDocument } from '../kdl/index.js';
import type { HostCode } from './diagnostic-codes.js';
import type { HostDescription } from './host-description.js';
import { readHost } from './read-host.js';
import { hostLanguage } from './words.js';

export type HostFileResult =
  | { host: HostDescription }
  /** Ordered by position; at least one is an error. */
  | { diagnostics: Diagnostic[] };

/** One host.kdl, understood or told what is wrong with it. Never throws. `file`: the path as messages should have it. */
export function readHostFile(text: string, file: string): HostFileResult {
  const { meaning, diagnostics } = readDocument<Omit<HostDescription, 'warnings'>, HostCode>(
    text,
    { file, kind: hostLanguage.kind },
    (document, lines, sink) => readHost(file, document, lines, sink),
  );
  return meaning === undefined ? { diagnostics } : { host: { ...meaning, warnings: diagnostics } };
}

/** The same for a file's bytes, which may be no text; with the text, to quote from. */
export function readHostFileBytes(bytes: Uint8Array, file: string): HostFileResult & { text: string } {
  const decoded = decodeText(bytes, { file, kind: hostLanguage.kind });
  if ('diagnostic' in decoded) return { diagnostics: [decoded.diagnostic], text: '' };
  return { ...readHostFile(decoded.text, file), text: decoded.text };
}
