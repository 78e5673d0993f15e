/**
 * How the runner's process ends. Only 0 means that the job's result is stored; after any other code the host has to
 * judge the attempt itself. The numbers follow sysexits.h where it has one that fits.
 */
export const exitCodes = {
  /** The job's end has been reported and acknowledged, whatever the job's result is. */
  reported: 0,
  /** Started wrongly: no `--boot`, or a boot file that cannot be read. */
  usage: 64,
  /** No orchestrator was reached for the detached time; the steps have been killed. */
  detached: 69,
  /** An error of the runner's own; its last line on standard error says which. */
  internal: 70,
  /** The spool directory cannot be made, written or read. */
  spool: 74,
  /** The start marker was there: this worker has run its job before, and never runs it twice. */
  alreadyStarted: 75,
  /** The orchestrator speaks another protocol, or broke this one. */
  protocol: 76,
  /** The orchestrator refused the token: unknown worker, another runner's session, or an attempt that is over. */
  refused: 77,
  /** The orchestrator dismissed it; the steps have been killed. */
  dismissed: 79,
  /** Exclusive work, and its time ran out: the host may have lost it to another; the steps have been killed. */
  expired: 80,
  /** SIGTERM; the steps have been killed. */
  terminated: 143,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Ends the process with this code, once everything that it started is dead. */
export class RunnerExit extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = 'RunnerExit';
    this.exitCode = exitCode;
  }
}
