import {
  durationOf,
  flagOf,
  type LocatedNode,
  listOf,
  numberOf,
  quote,
  type Said,
  type SaidWords,
  type Text,
  textOf,
} from '../kdl/index.js';
import type { WorkflowSink } from './diagnostic-codes.js';
import { workflowLimits } from './limits.js';
import { noteOpen, type OpenText } from './open-texts.js';
import { readChoice } from './read-choice.js';
import { readInputs } from './read-inputs.js';
import { readMatrix } from './read-matrix.js';
import { openName } from './read-names.js';
import { asNeeds, type Need, readClocks, readId, readNeeds, readWhen } from './read-node.js';
import { readWords } from './read-words.js';
import type { Gate, Input } from './workflow.js';

export interface ReadGate {
  gate: Gate;
  idText: Text;
  needs: Need[];
  open: OpenText[];
}

export function readGate(node: LocatedNode, sink: WorkflowSink): ReadGate | undefined {
  const said = readWords(node, 'gate', sink);
  const open: OpenText[] = [];
  const name = openName(textOf(said.get('name'), sink), 'the name of a gate', open, sink);
  const idText = readId(node, said, { what: 'gate', word: 'id', name }, sink);
  const prompt = readPrompt(textOf(said.get('prompt'), sink), open, sink);
  const approval = readApprovers(said, sink);
  const inputs = readInputs(said.all('input'), sink);
  refuseResult(said, inputs, sink);
  const timeout = readTimeout(said.get('timeout'), inputs, sink);
  const needs = readNeeds(said, sink);
  const allowFailure = flagOf(said.get('allow_failure'), sink);
  const when = readWhen(said, 'node', open, sink);
  const clocks = readClocks(said, ['deadline'], sink);
  const matrix = readMatrix(said.get('matrix'), sink);
  if (idText === undefined) return undefined;
  return {
    idText,
    needs,
    // A gate has no pool.
    open: open.map((one) => ({ ...one, withoutRunsOn: true })),
    gate: {
      id: idText.text,
      name: name ?? idText.text,
      ...asNeeds(needs),
      ...(when === undefined ? {} : { when }),
      ...(allowFailure ? { allowFailure } : {}),
      ...clocks,
      ...(matrix === undefined ? {} : { matrix }),
      ...(prompt === undefined ? {} : { prompt }),
      ...approval,
      inputs,
      ...timeout,
      span: node.headSpan,
    },
  };
}

function readPrompt(text: Text | undefined, open: OpenText[], sink: WorkflowSink): string | undefined {
  if (text === undefined) return undefined;
  noteOpen(text, open);
  if (text.text.trim() !== '' && text.text.length <= workflowLimits.promptCharacters) return text.text;
  const message = text.text.trim() === '' ? 'this prompt asks nothing' : 'this prompt is too long';
  const hint = `Ask in at most ${workflowLimits.promptCharacters} characters: prompt "Ship \${short_sha}?".`;
  sink.error(text.value.span, 'bad-name', message, hint);
  return undefined;
}

/** All lines together: who may approve, and, said once, how many have to and who may not. */
function readApprovers(said: SaidWords, sink: WorkflowSink): Pick<Gate, 'approvers' | 'count' | 'exclude'> {
  const approvers = new Set<string>();
  const once = new Map<'count' | 'exclude', Said>();
  for (const one of said.all('approvers')) {
    // As a property it has no words of its own: they would be the gate's.
    const inner = readWords(one.as === 'child' ? one.node : { ...one.node, properties: [] }, 'approvers', sink);
    for (const word of ['count', 'exclude'] as const) {
      const found = inner.get(word);
      const earlier = once.get(word);
      if (found === undefined) continue;
      if (earlier === undefined) {
        once.set(word, found);
      } else {
        const hint = `It stands already in line ${earlier.node.nameSpan.line}, and is said of all approvers together.`;
        sink.error(found.node.nameSpan, 'duplicate-word', `"${word}" is said twice`, hint);
      }
    }
    const saysMore = inner.said.length > 0 || inner.hasUnknown;
    if (one.node.arguments.length === 0 && saysMore) continue;
    const listed = { what: 'approver', ifEmpty: 'Leave it out, and anyone who may operate decides.' };
    for (const text of listOf(one, listed, sink)) readApprover(text, approvers, sink);
  }
  const count = readCount(once.get('count'), [...approvers], sink);
  const exclude = readChoice(once.get('exclude'), ['author'], sink);
  return { approvers: [...approvers], count, ...(exclude === undefined ? {} : { exclude }) };
}

function readApprover({ text, value }: Text, approvers: Set<string>, sink: WorkflowSink): void {
  const [, kind, name = ''] = /^(user|team):(.*)$/s.exec(text) ?? [];
  // As the settings take the names of teams and people.
  const good = kind === 'team' ? /^\w[\w.-]{0,99}$/.test(name) : /^[^\s\p{Cc}]{1,100}$/u.test(name);
  if (kind === undefined || !good) {
    const bare = text.replace(/^@|^\w*:/, '') || 'ada';
    const message =
      kind === undefined ? `${quote(text)} is neither a user nor a team` : `${quote(text)} names no ${kind}`;
    const hint =
      kind === 'team'
        ? 'A team is called as in the settings: letters, digits, ".", "_" and "-": "team:release".'
        : `Write "user:${bare}" for a person, or "team:${bare}" for a team of the settings.`;
    sink.error(value.span, 'bad-approver', message, hint);
    return;
  }
  if (approvers.has(text)) {
    sink.error(value.span, 'duplicate-approver', `${quote(text)} is named twice`, 'Once is enough.');
  } else if (approvers.size >= workflowLimits.approversOfGate) {
    const message = `a gate may name ${workflowLimits.approversOfGate} approvers, and this is one more`;
    sink.error(value.span, 'too-many-approvers', message, 'Make a team of them in the settings: "team:release".');
  } else {
    approvers.add(text);
  }
}

/** How many different people have to approve; one, if nothing is said. */
function readCount(said: Said | undefined, approvers: readonly string[], sink: WorkflowSink): number {
  const count = numberOf(said, { whole: true, most: workflowLimits.approversOfGate }, sink) ?? 1;
  const named = approvers.length;
  const countable = named > 0 && approvers.every((one) => one.startsWith('user:'));
  if (said === undefined || !countable || count <= named) return count;
  const people = named === 1 ? 'one person may' : `${named} people may`;
  const hint = named === 1 ? 'Name more of them.' : `Name more of them, or write count=${named}.`;
  sink.error(said.node.headSpan, 'bad-number', `${count} have to approve, and only ${people}`, hint);
  return count;
}

/** What needs the gate reads its inputs as `NEEDS_<ID>_<INPUT>`, beside `NEEDS_<ID>_RESULT`. */
function refuseResult(said: SaidWords, inputs: readonly Input[], sink: WorkflowSink): void {
  const taken = inputs.find(({ name }) => name.toUpperCase() === 'RESULT');
  const written = said.all('input').find(({ node }) => node.arguments[0]?.value === taken?.name);
  if (taken === undefined || written === undefined) return;
  const message = 'NEEDS_…_RESULT says how the gate ended';
  sink.error(
    written.node.arguments[0]?.span ?? written.node.headSpan,
    'bad-input-name',
    message,
    'Give the input another name.',
  );
}

/** `timeout "24h" then="reject"`. */
function readTimeout(
  said: Said | undefined,
  inputs: readonly Input[],
  sink: WorkflowSink,
): Pick<Gate, 'timeoutMs' | 'timeoutThen'> {
  if (said === undefined) return {};
  const { node } = said;
  // As a property it has no words of its own: they would be the gate's.
  const inner = readWords(said.as === 'child' ? node : { ...node, properties: [] }, 'gate timeout', sink);
  const timeoutMs = durationOf({ ...said, node: { ...node, properties: [], children: undefined } }, sink);
  const timeoutThen = readChoice(inner.get('then'), ['reject', 'approve'], sink) ?? 'reject';
  const open = inputs.filter((input) => input.default === undefined).map(({ name }) => name);
  if (timeoutThen === 'approve' && open.length > 0) {
    const message = `nobody is there to say ${open.map(quote).join(', ')} when the time is over`;
    const hint = 'Give each input a default, or write then="reject".';
    sink.error(inner.get('then')?.node.headSpan ?? node.headSpan, 'missing-default', message, hint);
  }
  return timeoutMs === undefined ? {} : { timeoutMs, timeoutThen };
}
