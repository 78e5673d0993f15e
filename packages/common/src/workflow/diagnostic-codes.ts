import { type DiagnosticSink, kdlCodes } from '../kdl/index.js';

/** Every code of a workflow diagnostic, with the line of docs/workflow.md that explains it. A code is never reused. */
export const diagnosticCodes = {
  ...kdlCodes,
  'kdl-1': 'The text is KDL 1.0; workflows are KDL 2.0.',
  'too-many-jobs': 'A workflow may have 256 jobs.',
  'too-many-files': 'A commit may have 32 workflow files.',
  'parse-deadline': 'Reading the file took longer than allowed.',
  'missing-workflow': 'A file holds exactly one `workflow`; this one has none.',
  'second-workflow': 'A file holds exactly one `workflow`; this is another.',
  'duplicate-workflow-name': 'Two files have a workflow of the same name, so their checks would overwrite each other.',
  'bad-name': 'A name is one line of at most 100 characters.',
  'missing-name': 'A workflow needs a name.',
  'bad-id': 'An id has letters, digits, `_` and `-`, at most 63.',
  'missing-id': 'A job needs an id.',
  'duplicate-id': 'Two jobs have the same id.',
  'bad-env-name': 'A variable is called by letters, digits and `_`, not beginning with a digit.',
  'duplicate-env': 'The same variable is set twice in one place.',
  'bad-image': 'Not the name of a container image.',
  'bad-pool': 'Not the name of a pool.',
  'bad-host': 'Not the name of a host.',
  'duplicate-host': '`place` names the same host twice.',
  'too-many-hosts': '`place` may name 16 hosts.',
  'bad-choice': 'The word has one of a few values, and this is none of them.',
  'bad-path': 'A path is relative to the checkout and stays inside it.',
  'bad-glob': 'Not a pattern for branch names.',
  'missing-event': '`on` needs the name of an event.',
  'unknown-event': 'There is no such event.',
  'no-trigger': 'Nothing starts this workflow.',
  'missing-jobs': 'A workflow needs at least one job.',
  'missing-steps': 'A job needs at least one step, or a script.',
  'steps-and-script': 'A job has steps or a script, not both.',
  'missing-run': 'A step needs something to run.',
  'missing-path': '`setup` needs the path of a script.',
  'unknown-need': 'A job needs another that does not exist.',
  'duplicate-need': 'A job needs the same job twice.',
  'needs-cycle': 'Jobs wait for each other in a circle.',
  'dotted-name-in-run': 'A script reads environment variables; no shell variable has a dot in its name.',
  'not-available-yet': 'Designed, but not built yet: a warning here, a refusal when a run is planned.',
} as const satisfies Record<string, string>;

export type DiagnosticCode = keyof typeof diagnosticCodes;

export type WorkflowSink = DiagnosticSink<DiagnosticCode>;
