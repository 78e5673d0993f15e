import { SolsticeError } from '@solstice/common/errors';

/** Of an import: what an export may have (48 MiB), and the indentation of a file. */
export const MOST_IMPORT_BYTES = 64 * 1024 * 1024;

/** Of a document that no export gives: said before anything of it is read. */
export function tooLarge(): SolsticeError {
  const most = `${MOST_IMPORT_BYTES / (1024 * 1024)} MiB`;
  return new SolsticeError('usage', `The document of a run has at most ${most}, and this one has more.`, {
    hint: 'ciadm run export writes none that is so large: was something added to the file?',
  });
}
