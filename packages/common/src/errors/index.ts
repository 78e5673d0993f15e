export { type ErrorCode, errorCodes } from './codes.js';
export { nearestName } from './nearest-name.js';
export { assertNever, SolsticeError, toError } from './solstice-error.js';
