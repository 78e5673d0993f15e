import {
  type LocatedNode,
  quote,
  type SaidWords,
  type SpanMaker,
  spanOfPiece,
  type Text,
  textOf,
} from '../kdl/index.js';
import { checkTimeZone, readCron } from '../schedule/index.js';
import type { WorkflowSink } from './diagnostic-codes.js';
import { readChoice } from './read-choice.js';
import type { Trigger } from './workflow.js';

type ScheduleTrigger = Extract<Trigger, { event: 'schedule' }>;

/** `on "schedule" cron="0 3 * * *" timezone="Europe/Zurich" missed="skip"`. */
export function readSchedule(
  on: LocatedNode,
  said: SaidWords,
  lines: SpanMaker,
  sink: WorkflowSink,
): ScheduleTrigger | undefined {
  const cron = readTimes(textOf(said.get('cron'), sink), lines, sink);
  const timezone = readTimeZone(textOf(said.get('timezone'), sink), sink);
  const missed = readChoice(said.get('missed'), ['run-once', 'skip'], sink) ?? 'run-once';
  if (said.get('cron') === undefined && !said.hasUnknown) {
    const hint = 'Write on "schedule" cron="0 3 * * *": minute, hour, day of the month, month, day of the week.';
    sink.error(on.headSpan, 'missing-value', 'on "schedule" does not say when', hint);
  }
  return cron === undefined || timezone === undefined ? undefined : { event: 'schedule', cron, timezone, missed };
}

/** With one space between its fields, so that it is the same schedule when only spaces are changed. */
function readTimes(text: Text | undefined, lines: SpanMaker, sink: WorkflowSink): string | undefined {
  if (text === undefined) return undefined;
  const read = readCron(text.text);
  if ('fields' in read) return text.text.trim().split(/\s+/).join(' ');
  const { piece, message, hint } = read.problem;
  sink.error(spanOfPiece(text.value, piece, lines), 'bad-schedule', message, hint);
  return undefined;
}

/** UTC, if nothing is said. */
function readTimeZone(text: Text | undefined, sink: WorkflowSink): string | undefined {
  if (text === undefined) return 'UTC';
  const checked = checkTimeZone(text.text);
  if (checked.known) return text.text;
  const hint =
    checked.nearest === undefined
      ? 'Time zones are called by their place, as IANA has them: timezone="Europe/Zurich".'
      : `Did you mean "${checked.nearest}"?`;
  sink.error(text.value.span, 'unknown-timezone', `there is no time zone ${quote(text.text)}`, hint);
  return undefined;
}
