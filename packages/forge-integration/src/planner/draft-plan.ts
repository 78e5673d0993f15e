import { freeze } from '@solstice/common/flow';
import type { PushEvent } from '@solstice/common/forge';
import type { NewFailedCheck, NewRun, SourceRef } from '@solstice/common/store';
import {
  checkTogether,
  type Diagnostic,
  hasErrors,
  matchTrigger,
  type ParseResult,
  refuseUnavailable,
  type Workflow,
} from '@solstice/common/workflow';
import type { WorkflowFile } from '../forges/forge.js';
import { cut, oneLine } from '../forges/push.js';

export type ParseFiles = (files: { file: string; text: string }[]) => Promise<ParseResult[]>;

/** The workflow files of a commit, each understood or refused. */
export interface ReadCommit {
  workflows: Workflow[];
  broken: { path: string; diagnostics: Diagnostic[] }[];
}

/** Parses what could be read. What is not available yet is refused here: a run that left it out would not do what its file says. */
export async function readCommit(files: readonly WorkflowFile[], parse: ParseFiles): Promise<ReadCommit> {
  const readable = files.flatMap((file) => ('text' in file ? [{ file: file.path, text: file.text }] : []));
  const results = await parse(readable);
  const understood: Workflow[] = [];
  const found = new Map<string, Diagnostic[]>();
  for (const file of files) if ('diagnostic' in file) found.set(file.path, [file.diagnostic]);
  for (const [index, { file }] of readable.entries()) {
    const result = results[index];
    const diagnostics = refuseUnavailable(result?.diagnostics ?? []);
    if (result?.workflow && !hasErrors(diagnostics)) understood.push(result.workflow);
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

export interface Ids {
  /** UUID, version 7. */
  runId(): string;
  /** At least 128 random bits, fit for an address. */
  pageKey(): string;
}

export function newRun(workflow: Workflow, source: SourceRef, trigger: NewRun['trigger'], ids: Ids): NewRun {
  return {
    runId: ids.runId(),
    pageKey: ids.pageKey(),
    spec: freeze(workflow),
    source,
    trigger,
    checkContext: `solstice/${workflow.name}`,
  };
}

/** A check in red for a file that is wrong; its title names the first place. */
export function failedCheck(file: ReadCommit['broken'][number], source: SourceRef): NewFailedCheck {
  const first = file.diagnostics.find(({ severity }) => severity === 'error');
  const place = first ? `${first.file}:${first.line}:${first.column}: ${first.message}` : `${file.path} is broken`;
  return {
    source,
    context: `solstice/${file.path.split('/').at(-1)}`,
    title: oneLine(place, 140),
    diagnostics: file.diagnostics,
  };
}

/** Which workflows a push starts, and for each other one why not. */
export function selectByPush(
  workflows: readonly Workflow[],
  event: PushEvent,
): { matching: Workflow[]; reasons: string[] } {
  const matching: Workflow[] = [];
  const reasons: string[] = [];
  for (const workflow of workflows) {
    const match = matchTrigger(workflow, event);
    if (match.matched) matching.push(workflow);
    else reasons.push(`${workflow.name}: ${match.reason}`);
  }
  return { matching, reasons };
}

/** Reasons as stored with a delivery. */
export function joinReasons(reasons: readonly string[]): string {
  return cut(reasons.join('; '), 2_000);
}
