import type { NameValue } from '../../expressions/index.js';
import type { Workflow } from '../index.js';
import type { Place } from '../words.js';

/** A part of docs/workflow.md: the words of some places, and examples with what becomes of them. */
export interface Section {
  /** Markdown, after `###`. */
  title: string;
  /** What is said before the table of words. */
  text: string;
  /** The places whose words stand in its table, with the meaning of each word. */
  places?: { place: Place; words: Record<string, string> }[];
  /** What is said after the table. */
  after?: string;
  examples: Example[];
}

export interface Example {
  kdl: string;
  /** What is said of it, before it. */
  text?: string;
  /** What the checker says of it, each as `error dotted-name-in-run`. */
  told?: string;
  /** What it is understood as, in part. */
  workflow?: Partial<Workflow>;
  /** The values of the event that it is frozen with. */
  values?: Record<string, NameValue>;
  /** The nodes it becomes, in part, as in the run's specification: each by its id, no other there. */
  nodes?: Record<string, Record<string, unknown>>;
  /** The same of the whole run. */
  run?: Record<string, unknown>;
}

/** A workflow that is started by pushes, round what an example is about. */
export function withJobs(body: string, name = 'CI'): string {
  const lines = body.replace(/^\n|\s+$/g, '').split('\n');
  return `workflow name="${name}" {\n    on "push"\n${lines.map((line) => (line === '' ? line : `    ${line}`)).join('\n')}\n}\n`;
}
