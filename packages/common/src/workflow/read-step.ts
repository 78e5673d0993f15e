import {
  flagOf,
  identityOf,
  type LocatedNode,
  quote,
  type Said,
  type SpanMaker,
  spanOfPiece,
  type Text,
  textOf,
} from '../kdl/index.js';
import type { WorkflowSink } from './diagnostic-codes.js';
import { noteOpen, type OpenText } from './open-texts.js';
import { readEnv } from './read-env.js';
import { openName } from './read-names.js';
import { readClocks, readWhen } from './read-node.js';
import { readWords } from './read-words.js';
import type { Step } from './workflow.js';

/** A step, and what is known only where it is used. */
export interface ReadStep {
  step: Step;
  /** It was given a name: in a job, it takes the place of the one of that name in its template. */
  named: boolean;
  open: OpenText[];
}

/** The steps of `catch` or `finally`. */
export function readStepsBlock(said: Said | undefined, lines: SpanMaker, sink: WorkflowSink): ReadStep[] | undefined {
  if (said === undefined) return undefined;
  const { node, word } = said;
  const inner = readWords(node, 'steps', sink);
  const [argument] = node.arguments;
  const hint = `Write ${word.name} { step run="./ci/${word.name}.sh"; }.`;
  if (argument !== undefined) sink.error(argument.span, 'wrong-form', `"${word.name}" has steps, and no value`, hint);
  else if (inner.said.length === 0 && !inner.hasUnknown) {
    sink.error(node.headSpan, 'missing-steps', `"${word.name}" has no steps`, hint);
  }
  return inner.all('step').flatMap((step) => readStep(step.node, lines, sink, 'afterwards') ?? []);
}

export function readStep(
  node: LocatedNode,
  lines: SpanMaker,
  sink: WorkflowSink,
  kind: 'step' | 'afterwards' = 'step',
): ReadStep | undefined {
  const said = readWords(node, 'step', sink);
  const open: OpenText[] = [];
  const given = openName(identityOf(node, said, 'name', sink), 'the name of a step', open, sink);
  const when = readWhen(said, kind, open, sink);
  const clocks = readClocks(said, ['timeout', 'silence', 'deadline'], sink);
  const allowFailure = flagOf(said.get('allow_failure'), sink);
  const env = readEnv(said.all('env'), (text) => noteOpen(text, open), sink);
  const run = said.get('run');
  const script = textOf(run, sink);
  if ((run === undefined && !said.hasUnknown) || (script !== undefined && script.text.trim() === '')) {
    const which = given === undefined ? 'this step' : `step ${quote(given)}`;
    sink.error(
      script?.value.span ?? node.headSpan,
      'missing-run',
      `${which} has nothing to run`,
      given !== undefined && run === undefined && /\s/.test(given)
        ? `If that is the command: step run=${quote(given)}.`
        : 'Write step name="Test" run="make test".',
    );
  }
  if (script === undefined) return undefined;
  refuseDottedNames(script, lines, sink);
  return {
    named: given !== undefined,
    open,
    step: {
      name: given ?? firstLine(script.text),
      env,
      ...(when === undefined ? {} : { when }),
      ...clocks,
      ...(allowFailure ? { allowFailure } : {}),
      action: { kind: 'run', script: script.text },
    },
  };
}

/** What a step without a name is called. */
export function firstLine(script: string): string {
  const line = script
    .split(/[\n\r\u2028\u2029]/)
    .map((one) => one.replace(/\p{Cc}/gu, ' ').trim())
    .find((one) => one !== '' && !one.startsWith('#!'));
  const characters = [...(line ?? 'script')];
  return characters.length > 60 ? `${characters.slice(0, 59).join('')}…` : characters.join('');
}

// As in `${matrix.os}`, and as people coming from elsewhere write it: `${{ matrix.os }}`.
const dotted = /\$\{(\{?\s*)([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_-]*)+)\s*\}{0,2}/g;

function refuseDottedNames(script: Text, lines: SpanMaker, sink: WorkflowSink): void {
  let from = 0;
  for (const found of script.text.matchAll(dotted)) {
    const [whole, , name] = found;
    if (name === undefined || sink.isFull) return;
    const span = spanOfPiece(script.value, whole, lines, from);
    const index = script.value.source.indexOf(whole, from);
    if (index >= 0) from = index + whole.length;
    sink.error(
      span,
      'dotted-name-in-run',
      `${quote(whole)} in a script: no shell variable has a dot in its name`,
      `Scripts read environment variables: ${variableOf(name)}.`,
    );
  }
}

/** The variable in which a script finds what an expression calls `name`. */
function variableOf(name: string): string {
  const [root = '', ...rest] = name.split('.');
  const loud = (parts: string[]): string =>
    parts
      .join('_')
      .replace(/[^A-Za-z0-9_]/g, '_')
      .toUpperCase();
  switch (root) {
    case 'env':
    case 'secrets':
    case 'vars':
      return `$${rest.join('_')}`;
    case 'inputs':
      return `$INPUT_${loud(rest)}`;
    case 'needs':
      return `$NEEDS_${loud(rest.filter((part, index) => !(index === 1 && part === 'outputs')))}`;
    case 'github':
    case 'ci':
      return `$CI_${loud(rest)}`;
    case 'error':
      return `$CI_ERROR_${loud(rest)}`;
    default:
      return `$${loud([root, ...rest])}`;
  }
}
