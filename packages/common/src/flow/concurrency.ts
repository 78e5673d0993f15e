import { groupText } from './group-text.js';
import type { FlowEvent, Refusal } from './messages.js';
import { begin, cancelRun } from './settle.js';
import { isTerminal } from './states.js';
import { refusal, type Turn } from './turn.js';

/** Its turn in its group has come. Said again, or of a run that was never held, it changes nothing. */
export function admit(turn: Turn): FlowEvent[] | Refusal {
  const { head } = turn.draft;
  if (isTerminal(head.state)) {
    return refusal(`the run has ended: ${head.state}`, head.state);
  }
  if (head.held === undefined) {
    return [];
  }
  turn.emit({ kind: 'run.admitted' });
  begin(turn);
  return turn.events;
}

/** A newer run takes its place. One that is being cancelled already goes on with that. */
export function supersede(turn: Turn, byRunId: string): FlowEvent[] | Refusal {
  const { head } = turn.draft;
  if (isTerminal(head.state)) {
    return refusal(`the run has ended: ${head.state}`, head.state);
  }
  // After the run's own deadline something of it may still go on, for the failure's sake.
  if (head.cancelRequested !== undefined && head.cancelRequested.because?.kind !== 'deadline') {
    return [];
  }
  const by = groupText(head.spec);
  cancelRun(turn, { by, reason: `run ${byRunId} took its place`, because: { kind: 'superseded', runId: byRunId } });
  return turn.events;
}
