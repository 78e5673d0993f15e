import { formatDiagnostics, hasErrors } from '@solstice/common/workflow';
import { describeWorkflow } from './describe-workflow.js';
import { type ExitCode, type Io, UsageError } from './io.js';
import { readWorkflows } from './read-workflows.js';
import { findWorkflowFiles } from './workflow-paths.js';

/** What files mean. Diagnostics go to the error output, so that `--json` stays clean. */
export function inspect(path: string | undefined, options: { json: boolean }, io: Io): ExitCode {
  const names = findWorkflowFiles(path === undefined ? [] : [path], io.cwd);
  if (options.json && names.length > 1) {
    throw new UsageError(`there are ${names.length} workflow files`, `Name one of them: ${names.join(', ')}.`);
  }
  const { files, diagnostics, sources } = readWorkflows(names, io.cwd);
  if (diagnostics.length > 0) io.err(`${formatDiagnostics(diagnostics, sources, { color: io.color.err })}\n`);
  const workflows = files.flatMap(({ workflow }) => workflow ?? []);
  if (options.json) {
    for (const workflow of workflows) io.out(`${JSON.stringify(workflow, null, 2)}\n`);
  } else {
    const described = workflows.map((workflow) => describeWorkflow(workflow, { color: io.color.out }));
    if (described.length > 0) io.out(described.join('\n'));
  }
  return hasErrors(diagnostics) ? 1 : 0;
}
