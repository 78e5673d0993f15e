/** All that a command touches of the process it runs in. */
export interface Io {
  /** Absolute. */
  cwd: string;
  /** All that stands in the input. */
  input(): Buffer;
  out(text: string): void;
  err(text: string): void;
  /** May what goes there be coloured? */
  color: { out: boolean; err: boolean };
}

/** 0: fine, warnings at most. 1: there are errors in a file. 2: the command was called wrongly. */
export type ExitCode = 0 | 1 | 2;

/** The command was called wrongly: a file that isn't there, an option that isn't one. */
export class UsageError extends Error {
  constructor(
    message: string,
    readonly hint: string,
  ) {
    super(message);
    this.name = 'UsageError';
  }
}
