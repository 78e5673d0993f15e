import { type CheckState, clip, MAX_TITLE_LENGTH, type RunFlow } from '../../flow/index.js';
import type { NewFailedCheck } from '../port/index.js';

/** The check of a workflow file that cannot be run, with every place that is wrong. */
export function failedCheckState(check: NewFailedCheck): CheckState {
  return {
    state: 'failed',
    title: clip(check.title, MAX_TITLE_LENGTH),
    text: check.diagnostics
      .map(({ file, line, column, severity, message, hint }) => {
        const help = hint === undefined ? '' : `\n  hint: ${hint}`;
        return `${file}:${line}:${column}: ${severity}: ${message}${help}`;
      })
      .join('\n'),
    pageKey: undefined,
  };
}

/** Two desired states that a forge would show alike. */
export function sameCheck(a: CheckState, b: CheckState): boolean {
  return a.state === b.state && a.title === b.title && a.text === b.text && a.pageKey === b.pageKey;
}

/**
 * The generation of what a run lets its check show. One that was born superseded has the lowest: it is of an older event,
 * although its number is higher, and must not speak for a commit that a run which goes on speaks for.
 */
export function generationOf(number: number, before: RunFlow | undefined, run: RunFlow): number {
  return before === undefined && run.state === 'superseded' ? 0 : number;
}

/**
 * May a change of this generation be written over that one? A generation is the number of the run that a check shows (see
 * generationOf); for a check without a run, the highest number given so far. An older run no longer speaks for its commit
 * once a newer one does.
 */
export function speaksFor(incoming: number, stored: number): boolean {
  return incoming >= stored;
}
