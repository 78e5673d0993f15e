import { type FlowTimer, type RunFlow, timersOfNode } from '../../flow/index.js';

/** What the events of one command change in the timers of the nodes that they touch. */
export function timerChanges(
  before: RunFlow | undefined,
  after: RunFlow,
  nodeIds: readonly string[],
): { set: FlowTimer[]; gone: string[] } {
  const old = new Map((before === undefined ? [] : timersOfAll(before, nodeIds)).map((one) => [one.key, one.fireAtMs]));
  const now = timersOfAll(after, nodeIds);
  const keys = new Set(now.map(({ key }) => key));
  return {
    set: now.filter(({ key, fireAtMs }) => old.get(key) !== fireAtMs),
    gone: [...old.keys()].filter((key) => !keys.has(key)),
  };
}

function timersOfAll(run: RunFlow, nodeIds: readonly string[]): FlowTimer[] {
  return nodeIds.flatMap((id) => timersOfNode(run, id)).map(({ key, fireAtMs }) => ({ key, fireAtMs }));
}
