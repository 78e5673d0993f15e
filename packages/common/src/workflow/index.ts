export {
  type Diagnostic,
  type FormatOptions,
  formatDiagnostics,
  githubCommands,
  hasErrors,
  isImageName,
  isPoolName,
  type Sources,
  type Span,
  sarifLog,
} from '../kdl/index.js';
export { branchTree } from './branch-tree.js';
export { cellIds } from './cell-ids.js';
export { changedPatternsOf } from './changed-patterns.js';
export { type DiagnosticCode, diagnosticCodes } from './diagnostic-codes.js';
export { completeValues, namesIn, runNames } from './expression-names.js';
export { type FormatWorkflowOptions, formatWorkflow } from './format-workflow.js';
export { globMatches } from './glob.js';
export { describeInput, type InputValue, inputsOf, inputVariable, resolveInputs } from './inputs.js';
export { workflowLimits } from './limits.js';
export { type ChangedFiles, dependsOnPaths, matchTrigger, type TriggerMatch } from './match-trigger.js';
export { parseWorkflowsInWorker, type WorkerParseOptions, type WorkflowFile } from './parse-in-worker.js';
export { type ParseOptions, parseWorkflow } from './parse-workflow.js';
export { firstLine } from './read-step.js';
export { refuseUnavailable } from './unavailable.js';
export * from './workflow.js';
export { checkTogether, decodeWorkflow, looksLikeWorkflowPath, tooLarge, tooManyFiles } from './workflow-files.js';
