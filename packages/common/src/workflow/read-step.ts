import {
  durationOf,
  identityOf,
  type LocatedNode,
  quote,
  type SpanMaker,
  spanOfPiece,
  type Text,
  textOf,
} from '../kdl/index.js';
import type { WorkflowSink } from './diagnostic-codes.js';
import { readEnv } from './read-env.js';
import { checkedName } from './read-names.js';
import { readWords } from './read-words.js';
import type { Step } from './workflow.js';

export function readStep(node: LocatedNode, lines: SpanMaker, sink: WorkflowSink): Step | undefined {
  const said = readWords(node, 'step', sink);
  const given = checkedName(identityOf(node, said, 'name', sink), 'the name of a step', lines, sink);
  const timeoutMs = durationOf(said.get('timeout'), sink);
  const env = readEnv(said.all('env'), lines, sink);
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
    name: given ?? firstLine(script.text),
    env,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    action: { kind: 'run', script: script.text },
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
