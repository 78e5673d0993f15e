import type { Diagnostic } from './diagnostic.js';
import type { KdlCode } from './diagnostic-codes.js';
import type { FileKind } from './file-kind.js';
import { kdlLimits } from './limits.js';

/** What to say of a file of so many bytes, so that it need not be read; undefined: it may be read. */
export function tooLarge(file: string, bytes: number, kind: FileKind): Diagnostic | undefined {
  if (bytes <= kdlLimits.fileBytes) return undefined;
  const most = kdlLimits.fileBytes / 1024;
  return atStart(
    file,
    'file-too-large',
    `the file has ${Math.ceil(bytes / 1024)} KiB, and ${most} KiB is the most`,
    kind.tooLargeHint,
  );
}

/** The text of a file, or what to say if it is none. */
export function decodeText(
  bytes: Uint8Array,
  { file, kind }: { file: string; kind: FileKind },
): { text: string } | { diagnostic: Diagnostic } {
  const large = tooLarge(file, bytes.length, kind);
  if (large !== undefined) return { diagnostic: large };
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { diagnostic: atStart(file, 'not-utf8', 'the file is not UTF-8 text', 'Save it as UTF-8.') };
  }
}

/** An error of the file as a whole. */
export function atStart<Code extends string = KdlCode>(
  file: string,
  code: Code,
  message: string,
  hint: string,
): Diagnostic {
  return { file, line: 1, column: 1, endLine: 1, endColumn: 1, severity: 'error', code, message, hint };
}
