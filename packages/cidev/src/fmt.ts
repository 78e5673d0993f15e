import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  type Diagnostic,
  decodeWorkflow,
  formatDiagnostics,
  formatWorkflow,
  tooLarge,
} from '@solstice/common/workflow';
import { type ExitCode, type Io, UsageError } from './io.js';
import { readBytes } from './read-workflows.js';
import { replaceFile } from './replace-file.js';
import { findWorkflowFiles } from './workflow-paths.js';

export interface FmtOptions {
  /** Write nothing, and name the files that would be written. */
  check: boolean;
  /** Write files of KDL 1.0 as KDL 2.0. */
  upgrade: boolean;
}

/** Rewrites workflow files in the form of the documentation. What it cannot format it leaves, and says why. */
export function fmt(paths: readonly string[], options: FmtOptions, io: Io): ExitCode {
  if (paths.includes('-')) {
    if (paths.length > 1) throw new UsageError('"-" is given with other paths', 'Name files, or "-" for the input.');
    return fmtInput(options, io);
  }
  let [changed, left] = [0, 0];
  const files = findWorkflowFiles(paths, io.cwd);
  if (!options.check) refusePipes(files, io.cwd);
  for (const file of files) {
    const bytes = readBytes(file, io.cwd);
    const formatted = format(file, bytes, options, io);
    if (formatted === undefined) {
      left += 1;
    } else if (!formatted.equals(bytes)) {
      changed += 1;
      if (!options.check) replaceFile(resolve(io.cwd, file), formatted);
      io.out(`${file}\n`);
    }
  }
  return left > 0 || (options.check && changed > 0) ? 1 : 0;
}

/** Before anything is read: a file would come in the place of the pipe, and whoever writes into it would not know. */
function refusePipes(files: readonly string[], cwd: string): void {
  const pipe = files.find((file) => !statSync(resolve(cwd, file)).isFile());
  if (pipe === undefined) return;
  throw new UsageError(
    `"${pipe}" is not a regular file, and cannot be rewritten`,
    'Give "-" for what comes through a pipe: it is formatted from the input to the output.',
  );
}

function fmtInput(options: FmtOptions, io: Io): ExitCode {
  const bytes = io.input();
  const formatted = format('<input>', bytes, options, io);
  if (formatted === undefined) return 1;
  if (!options.check) {
    io.out(formatted.toString('utf8'));
    return 0;
  }
  if (formatted.equals(bytes)) return 0;
  io.out('<input>\n');
  return 1;
}

/** Undefined: it is left as it is, and the error output says why. */
function format(file: string, bytes: Buffer, { upgrade }: FmtOptions, io: Io): Buffer | undefined {
  const tell = (diagnostics: readonly Diagnostic[], text: string): undefined => {
    io.err(formatDiagnostics(diagnostics, new Map([[file, text]]), { color: io.color.err }));
  };
  const large = tooLarge(file, bytes.length);
  if (large !== undefined) return tell([large], '');
  const decoded = decodeWorkflow(bytes, { file });
  if ('diagnostic' in decoded) return tell([decoded.diagnostic], '');
  const result = formatWorkflow(decoded.text, { file, upgrade });
  return 'text' in result ? Buffer.from(result.text) : tell(result.diagnostics, decoded.text);
}
