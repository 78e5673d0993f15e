import type { Diagnostic } from '../kdl/index.js';

/**
 * For the planner: what is only not available yet becomes an error, in the same words, because a run that left it out
 * would not do what its file says. All other diagnostics stay as they are.
 */
export function refuseUnavailable(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return diagnostics.map((diagnostic) =>
    diagnostic.code === 'not-available-yet' ? { ...diagnostic, severity: 'error' } : diagnostic,
  );
}
