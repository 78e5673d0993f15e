export * from './attempt-id.js';
export * from './cause.js';
export { type CheckState, checkOf, clip, MAX_TITLE_LENGTH } from './check-state.js';
export { conditionContextOf, needResultsOf, worstOf } from './conditions.js';
export { decide } from './decide.js';
export * from './describe-cause.js';
export * from './effects.js';
export { enclosingLimits } from './enclosing.js';
export { type ErrorKind, errorKindOf, errorKinds } from './error-kind.js';
export { evolve, evolveAll, replay } from './evolve.js';
export { withoutExport } from './export.js';
export * from './freeze.js';
export {
  approvedByTimeout,
  approversText,
  authorOf,
  type GateStanding,
  samePerson,
  standingOf,
  thatCount,
  timeoutText,
} from './gate-standing.js';
export { type Graph, graphOf, groupOf } from './graph.js';
export * from './messages.js';
export { attemptOf, attemptsOf, nodeOf, nodesOf } from './node-table.js';
export { planRerun, type Rerun } from './rerun.js';
export { hasTexts, imageOf, promptOf, type ResolvedJob, type ResolvedService, resolvedJobOf } from './resolved.js';
export { DEFAULT_BACKOFF, MAX_ATTEMPTS, maxAttemptsOf, RETRY_DELAYS_MS } from './retries.js';
export * from './spec.js';
export * from './states.js';
export { statesDocument } from './states-document.js';
export { tallyOf } from './tally.js';
export { deadlineOf, timersAmong, timersOf, timersOfNode } from './timers.js';
export * from './waiting.js';
