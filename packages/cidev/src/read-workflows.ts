import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import {
  checkTogether,
  type Diagnostic,
  decodeWorkflow,
  parseWorkflow,
  tooLarge,
  tooManyFiles,
  type Workflow,
} from '@solstice/common/workflow';
import { UsageError } from './io.js';

export interface ReadFile {
  file: string;
  /** Absent: too large, or no text. */
  text?: string;
  workflow?: Workflow;
}

export interface ReadFiles {
  files: ReadFile[];
  /** In the order of the files, by position in each. */
  diagnostics: Diagnostic[];
  /** Texts by file, for showing the places of diagnostics. */
  sources: Map<string, string>;
}

/** Reads and parses, and checks what belongs together: the files of each directory. */
export function readWorkflows(names: readonly string[], cwd: string): ReadFiles {
  const sources = new Map<string, string>();
  const diagnostics: Diagnostic[] = [];
  const files: ReadFile[] = [];
  for (const file of names) {
    const text = readText(file, cwd);
    if (typeof text !== 'string') {
      diagnostics.push(text);
      files.push({ file });
      continue;
    }
    sources.set(file, text);
    const result = parseWorkflow(text, { file });
    diagnostics.push(...result.diagnostics);
    files.push({ file, text, ...(result.workflow === undefined ? {} : { workflow: result.workflow }) });
  }
  for (const directory of new Set(names.map((name) => dirname(name)))) {
    const together = files.filter(({ file }) => dirname(file) === directory);
    diagnostics.push(...checkTogether(together.flatMap(({ workflow }) => workflow ?? [])));
    if (basename(resolve(cwd, directory)) === '.solstice') {
      diagnostics.push(...tooManyFiles(together.map(({ file }) => file)));
    }
  }
  const order = new Map(names.map((name, index) => [name, index]));
  diagnostics.sort(
    (a, b) => (order.get(a.file) ?? 0) - (order.get(b.file) ?? 0) || a.line - b.line || a.column - b.column,
  );
  return { files, diagnostics, sources };
}

function readText(file: string, cwd: string): string | Diagnostic {
  const large = tooLarge(
    file,
    told(file, () => statSync(resolve(cwd, file)).size),
  );
  if (large !== undefined) return large;
  const decoded = decodeWorkflow(readBytes(file, cwd), { file });
  return 'text' in decoded ? decoded.text : decoded.diagnostic;
}

export function readBytes(file: string, cwd: string): Buffer {
  return told(file, () => readFileSync(resolve(cwd, file)));
}

function told<Result>(file: string, read: () => Result): Result {
  try {
    return read();
  } catch (thrown) {
    const reason = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown);
    throw new UsageError(`"${file}" cannot be read (${reason})`, 'Check its owner and mode.');
  }
}
