import { createHash } from 'node:crypto';
import { SolsticeError } from '@solstice/common/errors';
import { freeze, type RunSpec, type RunValues } from '@solstice/common/flow';
import type { ForgeEvent } from '@solstice/common/forge';
import type { NewFailedCheck, NewRun, SourceRef } from '@solstice/common/store';
import {
  type ChangedFiles,
  checkTogether,
  type Diagnostic,
  type DiagnosticCode,
  hasErrors,
  inputsOf,
  inputVariable,
  matchTrigger,
  type ParseResult,
  refuseUnavailable,
  resolveInputs,
  type Workflow,
} from '@solstice/common/workflow';
import type { WorkflowFile } from '../forges/forge.js';
import { cut, oneLine } from '../forges/push.js';
import { changedBy } from './changed-patterns.js';
import { type Occasion, valuesOf } from './occasion.js';

export type ParseFiles = (files: { file: string; text: string }[]) => Promise<ParseResult[]>;

/** The workflow files of a commit, each understood or refused. */
export interface ReadCommit {
  workflows: Workflow[];
  broken: BrokenFile[];
}

export interface BrokenFile {
  path: string;
  diagnostics: Diagnostic[];
}

/** Parses what could be read. What is not available yet is refused here: a run that left it out would not do what its file says. */
export async function readCommit(files: readonly WorkflowFile[], parse: ParseFiles): Promise<ReadCommit> {
  const readable = files.flatMap((file) => ('text' in file ? [{ file: file.path, text: file.text }] : []));
  const results = await parse(readable);
  const understood: Workflow[] = [];
  const found = new Map<string, Diagnostic[]>();
  for (const file of files) if ('diagnostic' in file) found.set(file.path, [file.diagnostic]);
  for (const [index, { file, text }] of readable.entries()) {
    const result = results[index];
    const diagnostics = refuseUnavailable(result?.diagnostics ?? []);
    if (result?.workflow && !hasErrors(diagnostics)) understood.push({ ...result.workflow, sha256: sha256Of(text) });
    else found.set(file, diagnostics);
  }
  for (const diagnostic of checkTogether(understood)) found.set(diagnostic.file, [diagnostic]);
  return {
    workflows: understood.filter((workflow) => !found.has(workflow.file)),
    broken: files.flatMap(({ path }) => {
      const diagnostics = found.get(path);
      return diagnostics === undefined ? [] : [{ path, diagnostics }];
    }),
  };
}

/**
 * Diagnostics of a file that nobody has read: the machine was too busy, or the parser failed. They are nothing that the
 * file says.
 */
const UNREAD: ReadonlySet<string> = new Set<DiagnosticCode>(['parse-deadline', 'parse-failed']);

/** The first file that nobody has read: it may be right, and is understood another time. */
export function unreadIn({ broken }: ReadCommit): BrokenFile | undefined {
  return broken.find(({ diagnostics }) => diagnostics.some(({ code }) => UNREAD.has(code)));
}

export function unreadError(file: BrokenFile): SolsticeError {
  return new SolsticeError('source-unavailable', `a workflow file could not be read: ${firstProblem(file)}`, {
    hint: 'The machine was busy, or the parser failed: try again. If it stays so, look at that file.',
  });
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export interface Ids {
  /** UUID, version 7. */
  runId(): string;
  /** At least 128 random bits, fit for an address. */
  pageKey(): string;
}

/**
 * Runs, and the files whose expressions give nothing that could run. Inputs are right by now (see checkInputs).
 * `changedFiles` absent: there is nothing to be compared with, and everything counts as changed.
 */
export function draftRuns(
  workflows: readonly Workflow[],
  occasion: Occasion,
  ids: Ids,
  changedFiles?: ChangedFiles,
): { runs: NewRun[]; broken: BrokenFile[]; notes: string[] } {
  const runs: NewRun[] = [];
  const broken: BrokenFile[] = [];
  const notes: string[] = [];
  for (const workflow of workflows) {
    const { env, values } = inputsFor(workflow, occasion);
    const { changed, note } = changedBy(workflow, changedFiles);
    const { spec, diagnostics } = freeze(workflow, { ...valuesOf(occasion), ...values }, { changed });
    if (note !== undefined) notes.push(note);
    if (spec === undefined) {
      broken.push({ path: workflow.file, diagnostics });
      continue;
    }
    runs.push({
      runId: ids.runId(),
      pageKey: ids.pageKey(),
      spec: withVariables(spec, env),
      source: occasion.source,
      trigger: occasion.trigger,
      checkContext: `solstice/${workflow.name}`,
    });
  }
  return { runs, broken, notes };
}

function inputsFor(workflow: Workflow, occasion: Occasion): { env: Record<string, string>; values: RunValues } {
  const resolved = resolveInputs(inputsOf(workflow) ?? [], occasion.inputs);
  const inputs = 'values' in resolved ? Object.entries(resolved.values) : [];
  return {
    env: Object.fromEntries(inputs.map(([name, value]) => [inputVariable(name), String(value)])),
    values: Object.fromEntries(inputs.map(([name, value]) => [`inputs.${name}`, value])),
  };
}

/**
 * What people typed reaches the steps as variables, and only here, after the file's own expressions were evaluated: a
 * `${…}` in it stays the text that it is.
 */
function withVariables(spec: RunSpec, env: Readonly<Record<string, string>>): RunSpec {
  return {
    ...spec,
    nodes: spec.nodes.map((node) => (node.kind === 'job' ? { ...node, env: { ...node.env, ...env } } : node)),
  };
}

/** A check in red for a file that is wrong; its title names the first place. */
export function failedCheck(file: BrokenFile, source: SourceRef): NewFailedCheck {
  return {
    source,
    context: `solstice/${file.path.split('/').at(-1)}`,
    title: firstProblem(file),
    diagnostics: file.diagnostics,
  };
}

/** In one line, with its place. */
export function firstProblem(file: BrokenFile): string {
  const first = file.diagnostics.find(({ severity }) => severity === 'error');
  const place = first ? `${first.file}:${first.line}:${first.column}: ${first.message}` : `${file.path} is broken`;
  return oneLine(place, 140);
}

/** Which workflows an event starts, with what is to be said of some of them, and for each other one why not. */
export function selectByEvent(
  workflows: readonly Workflow[],
  event: ForgeEvent,
  changed: ChangedFiles | undefined,
): { matching: Workflow[]; notes: string[]; reasons: string[] } {
  const matching: Workflow[] = [];
  const notes: string[] = [];
  const reasons: string[] = [];
  for (const workflow of workflows) {
    const match = matchTrigger(workflow, event, changed);
    if (!match.matched) {
      reasons.push(`${workflow.name}: ${match.reason}`);
      continue;
    }
    matching.push(workflow);
    if (match.note !== undefined) notes.push(`${workflow.name} ${match.note}`);
  }
  return { matching, notes, reasons };
}

/** Reasons as stored with a delivery. */
export function joinReasons(reasons: readonly string[]): string {
  return cut(reasons.join('; '), 2_000);
}
