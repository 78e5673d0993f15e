export { type ErrorCode, errorCodes } from './codes.js';
export { assertNever, SolsticeError, toError } from './solstice-error.js';
