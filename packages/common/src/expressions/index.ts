export {
  type CheckedCondition,
  type ConditionScope,
  changedPatternsIn,
  checkCondition,
  tableScope,
} from './check-condition.js';
export { type CheckedText, checkText, MAX_TEXT_LENGTH, tooLong } from './check-text.js';
export { type ConditionContext, Conditions, type Verdict } from './conditions.js';
export { globMatches } from './glob-matches.js';
export { isLateName, type LatePiece } from './late-pieces.js';
export type { Names, NameType, NameValue } from './names.js';
export type { Reading } from './references.js';
export { conditionFunctions, functions } from './refuse-unbounded.js';
export { Scope } from './scope.js';
export { isOpen, MAX_EXPRESSION_LENGTH, type TextProblem } from './split-text.js';
