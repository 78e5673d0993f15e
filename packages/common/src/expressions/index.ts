export { type CheckedText, checkText, MAX_TEXT_LENGTH } from './check-text.js';
export { functions } from './refuse-unbounded.js';
export { type Names, type NameType, type NameValue, Scope } from './scope.js';
export { isOpen, MAX_EXPRESSION_LENGTH, type TextProblem } from './split-text.js';
