import { nearestName } from '../errors/index.js';
import {
  type LocatedNode,
  listOf,
  quote,
  type Said,
  type SaidWords,
  type SpanMaker,
  spelled,
  textOf,
} from '../kdl/index.js';
import type { WorkflowSink } from './diagnostic-codes.js';
import { globProblem } from './glob.js';
import { workflowLimits } from './limits.js';
import { readInputs } from './read-inputs.js';
import { readSchedule } from './read-schedule.js';
import { notAvailable, readWords } from './read-words.js';
import { events } from './words.js';
import type { ChangedPaths, Trigger } from './workflow.js';

/** What starts a workflow: its `on …` nodes. */
export function readTriggers(node: LocatedNode, said: SaidWords, lines: SpanMaker, sink: WorkflowSink): Trigger[] {
  const all = said.all('on');
  if (all.length === 0 && !said.hasUnknown) {
    sink.warning(
      node.headSpan,
      'no-trigger',
      'nothing starts this workflow',
      'Write on "push", or on "push" branches="main".',
    );
  }
  const triggers: Trigger[] = [];
  let manual: LocatedNode | undefined;
  let schedules = 0;
  for (const { node: on } of all) {
    const event = eventOf(on, sink);
    if (event === undefined) continue;
    if (event === 'manual' && manual !== undefined) {
      const line = manual.headSpan.line;
      sink.error(
        on.headSpan,
        'duplicate-word',
        'on "manual" is said twice',
        `It stands already in line ${line}; put all inputs into one of them.`,
      );
      continue;
    }
    if (event === 'manual') manual = on;
    if (event === 'schedule') {
      schedules += 1;
      if (schedules === workflowLimits.schedules + 1) refuseMore(on, sink);
      // Not even looked at: each looks through all time zones.
      if (schedules > workflowLimits.schedules) continue;
    }
    const trigger = readTrigger(event, on, lines, sink);
    if (trigger !== undefined && !isTwice(trigger, triggers, on, sink)) triggers.push(trigger);
  }
  return triggers;
}

/** The event that an `on` names. Undefined when it was reported. */
function eventOf(on: LocatedNode, sink: WorkflowSink): string | undefined {
  const [first, second] = on.arguments;
  if (first === undefined) {
    sink.error(on.headSpan, 'missing-event', '"on" names no event', 'Write on "push".');
    return undefined;
  }
  if (second !== undefined) {
    sink.error(second.span, 'wrong-form', '"on" names one event', `Write another line: on ${second.source}.`);
  }
  const event = spelled(String(first.value));
  if (Object.hasOwn(events, event)) return event;
  const nearest = nearestName(event, Object.keys(events));
  sink.error(
    first.span,
    'unknown-event',
    `there is no event ${quote(String(first.value))}`,
    nearest === undefined ? `There are: ${Object.keys(events).join(', ')}.` : `Did you mean "${nearest}"?`,
  );
  return undefined;
}

function readTrigger(event: string, on: LocatedNode, lines: SpanMaker, sink: WorkflowSink): Trigger | undefined {
  const known = events[event];
  if (known === undefined) return undefined;
  if (!known.built) {
    notAvailable({ ...on, nameSpan: on.arguments[0]?.span ?? on.nameSpan }, `on "${event}"`, sink);
    readWords(on, known.place, sink, { insideUnbuilt: true });
    return undefined;
  }
  const said = readWords(on, known.place, sink);
  switch (event) {
    case 'push':
    case 'pull_request':
      return { event, branches: globsOf(said.get('branches'), 'branch', sink), ...changedPathsOf(said, sink) };
    case 'tag':
      return { event, match: globsOf(said.get('match'), 'tag', sink) };
    case 'comment':
      return readComment(on, said, sink);
    case 'schedule':
      return readSchedule(on, said, lines, sink);
    case 'manual':
      return { event, inputs: readInputs(said.all('input'), sink) };
    default:
      return undefined;
  }
}

function refuseMore(on: LocatedNode, sink: WorkflowSink): void {
  const message = `a workflow may have ${workflowLimits.schedules} schedules, and this is one more`;
  sink.error(on.headSpan, 'too-many-schedules', message, 'A schedule may have lists: cron="0 3,15 * * *".');
}

/** Two schedules at the same times would be two runs each time. */
function isTwice(trigger: Trigger, others: readonly Trigger[], on: LocatedNode, sink: WorkflowSink): boolean {
  if (trigger.event !== 'schedule') return false;
  const { cron, timezone } = trigger;
  const twice = others.some(
    (other) => other.event === 'schedule' && other.cron === cron && other.timezone === timezone,
  );
  if (twice) sink.error(on.headSpan, 'duplicate-schedule', 'this schedule is there already', 'Keep one of them.');
  return twice;
}

function globsOf(said: Said | undefined, of: 'branch' | 'tag' | 'path', sink: WorkflowSink): string[] {
  const ifEmpty = said?.word.name === 'ignore' ? 'Leave it out to ignore none.' : `Leave it out for any ${of}.`;
  return listOf(said, { what: of, ifEmpty }, sink).map(({ text, value }) => {
    const problem = globProblem(text, of);
    if (problem !== undefined) sink.error(value.span, 'bad-glob', problem.message, problem.hint);
    return text;
  });
}

function changedPathsOf(said: SaidWords, sink: WorkflowSink): ChangedPaths {
  const paths = said.get('paths');
  const ignore = said.get('ignore');
  return {
    ...(paths !== undefined && { paths: globsOf(paths, 'path', sink) }),
    ...(ignore !== undefined && { ignore: globsOf(ignore, 'path', sink) }),
  };
}

function readComment(on: LocatedNode, said: SaidWords, sink: WorkflowSink): Trigger | undefined {
  const written = said.get('match');
  if (written === undefined) {
    if (!said.hasUnknown) {
      sink.error(
        on.headSpan,
        'missing-match',
        'on "comment" does not say which comments',
        'Write on "comment" match="/bench".',
      );
    }
    return undefined;
  }
  const text = textOf(written, sink);
  if (text === undefined) return undefined;
  const match = text.text.trim().replace(/\s+/g, ' ');
  if (match === '' || match.length > 100) {
    sink.error(
      text.value.span,
      'bad-match',
      match === '' ? 'no comment begins with nothing' : 'this is more than 100 characters',
      'Name what the comment begins with: match="/bench".',
    );
    return undefined;
  }
  return { event: 'comment', match };
}
