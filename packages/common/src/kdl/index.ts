export { type Diagnostic, hasErrors, type Span, type SpanMaker } from './diagnostic.js';
export { type KdlCode, kdlCodes } from './diagnostic-codes.js';
export { DiagnosticSink, quote } from './diagnostic-sink.js';
export type { FileKind } from './file-kind.js';
export { flagsAsChildren } from './flags.js';
export { type FormatOptions, formatDiagnostics, type Sources } from './format-diagnostics.js';
export { formatDocument } from './format-document.js';
export { githubCommands } from './github-commands.js';
export { findWord, type Language, spelled, type Word, type WordForm } from './language.js';
export { kdlLimits } from './limits.js';
export type { LocatedNode, LocatedProperty, LocatedValue } from './located-tree.js';
export { isHostId, isImageName, isPoolName } from './names.js';
export { parseDuration, parseSize, sizeText } from './quantities.js';
export { durationOf, numberOf, sizeOf } from './quantity-words.js';
export { readDocument } from './read-document.js';
export {
  candidates,
  notAvailable,
  type ReadOptions,
  readWords,
  reportUnknown,
  type Said,
  SaidWords,
} from './said-words.js';
export { type SarifTool, sarifLog } from './sarif.js';
export { atStart, decodeText, tooLarge } from './text-files.js';
export { upgradeDocument } from './upgrade-document.js';
export {
  asText,
  flagOf,
  identityOf,
  listOf,
  refuseBlock,
  spanOfPiece,
  type Text,
  textOf,
} from './values.js';
