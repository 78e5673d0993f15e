import { type FlowTimer, type RunFlow, timersAmong } from '../../flow/index.js';

/** What the events of one command change in the timers of the nodes that they touch, and of what those stand in. */
export function timerChanges(
  before: RunFlow | undefined,
  after: RunFlow,
  nodeIds: readonly string[],
): { set: FlowTimer[]; gone: string[] } {
  const old = new Map((before === undefined ? [] : timersAmong(before, nodeIds)).map((one) => [one.key, one.fireAtMs]));
  const now = timersAmong(after, nodeIds);
  const keys = new Set(now.map(({ key }) => key));
  return {
    set: now.filter(({ key, fireAtMs }) => old.get(key) !== fireAtMs),
    gone: [...old.keys()].filter((key) => !keys.has(key)),
  };
}
