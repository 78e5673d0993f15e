import { applyTo, type Draft } from './evolve.js';
import type { AttemptView, FlowEvent, FlowEventBody, NodeFlow, Refusal } from './messages.js';
import { isTerminal } from './states.js';

/** One command being decided: each event takes effect before the next is thought about. */
export class Turn {
  readonly events: FlowEvent[] = [];
  /** Nodes that ended in this turn, and what follows from it has not been thought about yet. */
  readonly ended: string[] = [];
  readonly draft: Draft;
  readonly now: number;

  constructor(draft: Draft, now: number) {
    this.draft = draft;
    this.now = now;
  }

  emit(body: FlowEventBody): void {
    const event: FlowEvent = { seq: this.draft.head.seq + 1, at: this.now, ...body };
    applyTo(this.draft, event);
    this.events.push(event);
    if (event.kind === 'node.ended') {
      this.ended.push(event.nodeId);
    }
  }
}

export function refusal(reason: string, state: string, kind?: Refusal['kind']): Refusal {
  return { refused: true, reason, state, ...(kind !== undefined && { kind }) };
}

export function liveAttempt(node: NodeFlow): AttemptView | undefined {
  const last = node.attempts.at(-1);
  return last === undefined || isTerminal(last.state) ? undefined : last;
}
