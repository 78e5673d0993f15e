import { SolsticeError } from '@solstice/common/errors';
import { stepsOf } from '@solstice/common/flow';
import type { RunDetail } from '@solstice/common/store';
import { type Cursor, parseCursor } from './cursor.js';
import type { LogSelection } from './log-readers.js';

/** Checks that what is asked for exists in the run: `not-found` names what does. */
export function checkSelection(run: RunDetail, selection: LogSelection & { step?: number | undefined }): void {
  const { job, attempt, step } = selection;
  const nodes = run.nodes.filter((node) => job === undefined || node.id === job);
  if (nodes.length === 0) {
    const names = run.nodes.map((node) => node.id).join(', ');
    throw new SolsticeError('not-found', `Run ${run.number} has no job "${job}".`, { hint: `Its jobs: ${names}.` });
  }
  if (attempt !== undefined && !nodes.some((node) => node.attempts.some(({ number }) => number === attempt))) {
    throw new SolsticeError('not-found', `There is no attempt ${attempt}.`, { hint: 'ciadm run shows the attempts.' });
  }
  if (step !== undefined) {
    const ids = new Set(nodes.map((node) => node.id));
    const most = Math.max(0, ...run.spec.nodes.map((spec) => (ids.has(spec.id) ? stepsOf(spec).length : 0)));
    if (step >= most) {
      throw new SolsticeError('not-found', `There is no step ${step + 1}.`, { hint: `The last step is ${most}.` });
    }
  }
}

/** Where the reader stands, from what it sent. `usage` when that is no cursor of this run. */
export function readCursor(run: RunDetail, selection: LogSelection, sent: string | undefined): Cursor | undefined {
  if (sent === undefined || sent === '') return undefined;
  const jobs = run.nodes.map((node) => node.id);
  const job = selection.job ?? (jobs.length === 1 ? jobs[0] : undefined);
  const attempts = run.nodes.find((node) => node.id === job)?.attempts ?? [];
  const attempt = selection.attempt ?? attempts.at(-1)?.number;
  const only = job !== undefined && attempt !== undefined ? { job, attempt } : undefined;
  const cursor = parseCursor(sent, jobs, only);
  if (!cursor) {
    throw new SolsticeError('usage', 'That is no place in this log.', {
      hint: 'Use the id of an event, or with one job the number of a record.',
    });
  }
  return cursor;
}
