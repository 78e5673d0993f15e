/** `timed_out` -> `timed out`. */
export function describeState(state: string): string {
  return state.replaceAll('_', ' ');
}
