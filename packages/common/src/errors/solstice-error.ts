import { type ErrorCode, errorCodes } from './codes.js';

export interface SolsticeErrorOptions {
  /** What to do about it. Defaults to the way out that the code itself names. */
  hint?: string;
  cause?: unknown;
  /** Would the same call, later, have a chance? Default: what the code says. */
  retryable?: boolean;
}

/** An error that a person may have to act on: what happened (message), which kind (code), and the way out (hint). */
export class SolsticeError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options: SolsticeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SolsticeError';
    this.code = code;
    this.hint = options.hint ?? errorCodes[code].hint;
    this.retryable = options.retryable ?? errorCodes[code].retryable;
  }
}

/** Whatever was thrown, as an Error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** Ends an exhaustive switch: does not compile while a case is missing. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}
