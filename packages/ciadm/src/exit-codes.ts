import { type ErrorCode, SolsticeError } from '@solstice/common/errors';

export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  unreachable: 4,
  refused: 5,
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** For --help and docs/ciadm.md. */
export const exitCodeMeanings: readonly [ExitCode, string][] = [
  [exitCodes.ok, 'it worked'],
  [exitCodes.failed, 'it failed; with --wait and --follow also: the run did not succeed; doctor: something is wrong'],
  [exitCodes.usage, 'the command was called wrongly'],
  [exitCodes.notFound, 'there is no such run, job, host, repository, delivery, …'],
  [exitCodes.unreachable, 'the server does not answer, or refuses the token'],
  [
    exitCodes.refused,
    'the state does not allow it (a cancel of a run that is over, the removal of a host that is alive), or whoever asks may not',
  ],
  [exitCodes.interrupted, 'interrupted with Ctrl-C'],
];

const byErrorCode: Partial<Record<ErrorCode, ExitCode>> = {
  usage: exitCodes.usage,
  'not-found': exitCodes.notFound,
  'api-unreachable': exitCodes.unreachable,
  'api-unauthorised': exitCodes.unreachable,
  refused: exitCodes.refused,
  forbidden: exitCodes.refused,
  'host-alive': exitCodes.refused,
  'request-key-reused': exitCodes.usage,
};

export function exitCodeOf(error: unknown): ExitCode {
  return (error instanceof SolsticeError ? byErrorCode[error.code] : undefined) ?? exitCodes.failed;
}
