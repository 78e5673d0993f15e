import type { Command, FlowEvent, Refusal } from './messages.js';
import { cancelRun } from './settle.js';
import { isTerminal } from './states.js';
import { liveAttempt, refusal, type Turn } from './turn.js';

/** The run ends here, to go on elsewhere: nothing of it may be on a host, which would go on beside it. */
export function exportRun(turn: Turn, command: Extract<Command, { kind: 'export' }>): FlowEvent[] | Refusal {
  const { head } = turn.draft;
  if (isTerminal(head.state)) {
    const moved = head.cause?.kind === 'exported' ? `: exported by ${head.cause.by}` : '';
    return refusal(`the run has ended${moved || `: ${head.state}`}`, head.state);
  }
  for (const { id } of head.spec.nodes) {
    const attempt = liveAttempt(turn.draft.node(id));
    if (attempt !== undefined && attempt.state !== 'queued') {
      const host = attempt.hostId ?? 'a host';
      return refusal(`${host} has ${id}: export the run when that has ended, or cancel it`, head.state);
    }
  }
  cancelRun(turn, { by: command.by, because: { kind: 'exported' } });
  return turn.events;
}

/** The log of an exported run as it was before: from there it goes on. That of any other run is as it was. */
export function withoutExport(events: readonly FlowEvent[]): FlowEvent[] {
  const at = events.findIndex((event) => event.kind === 'run.cancel-requested' && event.because?.kind === 'exported');
  return at < 0 ? [...events] : events.slice(0, at);
}
