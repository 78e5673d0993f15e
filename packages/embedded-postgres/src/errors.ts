export type EmbeddedPostgresErrorCode =
  /** Another live process has started a server on this data directory. */
  | 'data-directory-in-use'
  /** The user that the server must run as cannot reach the data directory. */
  | 'data-directory-unreachable'
  /** The data directory cannot be made, or what is in it is not ours. */
  | 'data-directory-unusable'
  /** The data was made by another major version of PostgreSQL. */
  | 'version-mismatch'
  /** No package with PostgreSQL for this machine is installed. */
  | 'platform-unsupported'
  | 'initialisation-failed'
  | 'start-failed'
  /** Somebody else has our socket directory. */
  | 'socket-directory-unusable';

/** What went wrong (message), which kind (code), and the way out (hint). */
export class EmbeddedPostgresError extends Error {
  readonly code: EmbeddedPostgresErrorCode;
  readonly hint: string;

  constructor(code: EmbeddedPostgresErrorCode, message: string, hint: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'EmbeddedPostgresError';
    this.code = code;
    this.hint = hint;
  }
}

/** `ENOENT` of a Node file or process error; undefined for anything else. */
export function errnoOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
}
