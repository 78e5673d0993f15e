import type { Message } from '../messages/index.js';
import type { FlowEvent, RunFlow } from './messages.js';
import { attemptOf } from './node-table.js';

/**
 * Who must hear of these events. `run` is the run after them. Each message once, however many events cause it.
 * Reports are not among them: the store adds those, because it alone knows the ids of checks.
 */
export function effects(run: RunFlow, events: readonly FlowEvent[]): Message[] {
  const messages: Message[] = [];
  const hosts = new Set<string>();
  for (const event of events) {
    // One that waits first is told of when it is due.
    if (event.kind === 'attempt.queued' && event.notBefore <= event.at) {
      messages.push({ kind: 'job', version: 1, pool: event.pool, attemptId: event.attemptId });
    }
    if (event.kind === 'attempt.due') {
      const pool = attemptOf(run, event.attemptId)?.pool ?? '';
      messages.push({ kind: 'job', version: 1, pool, attemptId: event.attemptId });
    }
    if (event.kind === 'attempt.cancel-requested') {
      const hostId = attemptOf(run, event.attemptId)?.hostId;
      if (hostId !== undefined) {
        hosts.add(hostId);
      }
    }
  }
  for (const hostId of hosts) {
    messages.push({ kind: 'host', version: 1, hostId });
  }
  return messages;
}
