import { type ErrorCode, errorCodes, SolsticeError, toError } from '@solstice/common/errors';
import type { Logger } from '@solstice/common/telemetry';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';

/** The state does not allow it; carries the state, so that the caller can say it. */
export class RefusedError extends SolsticeError {
  readonly state: string;

  constructor(message: string, state: string, hint?: string) {
    super('refused', message, hint === undefined ? {} : { hint });
    this.name = 'RefusedError';
    this.state = state;
  }
}

const statuses: Partial<Record<ErrorCode, number>> = {
  forbidden: 403,
  'not-found': 404,
  refused: 409,
  'request-key-reused': 422,
  'host-alive': 409,
  usage: 400,
  'settings-invalid': 400,
  'webhook-secret-missing': 400,
  'api-unauthorised': 401,
  'not-available-yet': 501,
  'source-unavailable': 502,
  'forge-refused': 502,
  'forge-unavailable': 503,
  'database-unavailable': 503,
};

export interface ErrorAnswer {
  error: { code: string; message: string; hint: string; state?: string };
}

/** What is thrown, as the answer. Of an error that nobody foresaw only the fact leaves the process. */
export function errorAnswer(error: unknown): { status: number; body: ErrorAnswer } {
  if (error instanceof SolsticeError) {
    const state = error instanceof RefusedError ? { state: error.state } : {};
    return {
      status: statuses[error.code] ?? (error.retryable ? 503 : 500),
      body: { error: { code: error.code, message: error.message, hint: error.hint, ...state } },
    };
  }
  // Fastify's own: a body that is no JSON, too large, of another type.
  const status = (error as Partial<FastifyError>).statusCode;
  if (status !== undefined && status >= 400 && status < 500) {
    const { hint } = errorCodes.usage;
    return { status, body: { error: { code: 'usage', message: toError(error).message, hint } } };
  }
  const { hint } = errorCodes.internal;
  return {
    status: 500,
    body: { error: { code: 'internal', message: 'The server could not answer; its log says why.', hint } },
  };
}

export function answerErrors(logger: Logger) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const { status, body } = errorAnswer(error);
    if (status >= 500) logger.error({ err: error, route: request.routeOptions.url }, 'an operator request failed');
    void reply.code(status).send(body);
  };
}

/** Checked input, or `usage` with every place that is wrong. */
export function parseInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => {
    const where = issue.path.join('.');
    return where === '' ? issue.message : `${where}: ${issue.message}`;
  });
  throw new SolsticeError('usage', problems.join('; '), { hint: 'docs/ciadm.md and --help list what is taken.' });
}
