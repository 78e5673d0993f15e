import { isOpen } from '../expressions/index.js';
import type { Text } from '../kdl/index.js';

/** A text with `${…}` in it, to be checked when it is known which names its place has. */
export interface OpenText {
  text: Text;
  /** For the pool itself, which cannot be made of itself. */
  withoutRunsOn: boolean;
  /** It is a condition as a whole. `afterwards`: of a step of `catch` or `finally`, which may read `error`. */
  condition?: 'node' | 'step' | 'afterwards';
  /** It has to be known when the run is planned. Absent: it may read what nodes give, as the conditions of its node may. */
  early?: EarlyPlace;
}

/** `workflow`: a variable of all jobs. */
export type EarlyPlace = 'name' | 'pool' | 'group' | 'workflow';

/** Puts a text with `${…}` on the list. False: it has none, so that its form can be checked as it stands. */
export function noteOpen(text: Text, open: OpenText[], early?: EarlyPlace): boolean {
  if (!isOpen(text.text)) return false;
  open.push({ text, withoutRunsOn: early === 'pool', ...(early !== undefined && { early }) });
  return true;
}
