import type { Names, NameType, NameValue } from '../expressions/index.js';
import type { Input, Trigger } from './workflow.js';

/** What every expression of a run may say. A name that an event has nothing for is the empty text. */
export const runNames = {
  branch: 'The branch, without `refs/heads/`; of a pull request, the one that is to be merged.',
  tag: 'The tag, without `refs/tags/`.',
  sha: 'The commit.',
  short_sha: 'Its first seven characters.',
  event: '`push`, `tag`, `pull_request`, `manual`, `comment` or `schedule`.',
  actor: 'Who caused the event, as the forge calls them.',
  'pull_request.number': 'The number of the pull request; of other events 0.',
  'pull_request.base': 'The branch that it is to be merged into.',
} as const;

/** The names of a place: those of the run, the inputs, and in a job its pool and the cell of its matrix. */
export function namesIn(on: readonly Trigger[], job?: { axes: readonly string[]; runsOn: boolean }): Names {
  const names: Record<string, NameType> = {};
  for (const name of Object.keys(runNames)) names[name] = name === 'pull_request.number' ? 'int' : 'string';
  for (const trigger of on) {
    if (trigger.event === 'manual') for (const input of trigger.inputs) names[`inputs.${input.name}`] = typeOf(input);
  }
  if (job?.runsOn === true) names.runs_on = 'string';
  for (const axis of job?.axes ?? []) names[`matrix.${axis}`] = 'string';
  return names;
}

function typeOf(input: Input): NameType {
  return input.type;
}

/** With the values of nothing for what the event has nothing for, so that conditions can read it. */
export function completeValues(
  on: readonly Trigger[],
  values: Readonly<Record<string, NameValue>>,
): Record<string, NameValue> {
  const nothing = { string: '', int: 0, double: 0, bool: false };
  return { ...Object.fromEntries(Object.entries(namesIn(on)).map(([name, type]) => [name, nothing[type]])), ...values };
}
