import { randomBytes } from 'node:crypto';
import { SolsticeError, toError } from '@solstice/common/errors';
import { isTerminal } from '@solstice/common/flow';
import type { RunDetail } from '@solstice/common/store';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { RunPageDeps } from '../deps.js';
import { formatCursor } from '../logs/cursor.js';
import { readCursor } from '../logs/select.js';
import { eventStreamHeaders, LiveStreams } from '../logs/sse.js';
import { registerHealth } from './health.js';
import { logAsText, pageEvents } from './live.js';
import { type LogTail, readTail } from './log-text.js';
import { pageModel } from './page-model.js';
import { messagePage, runPage } from './run-page.js';

const maxStreams = 1000;
/** Of each job's log on the page itself, and of all of them. */
const jobLogBytes = 256 * 1024;
const pageLogBytes = 2 * 1024 * 1024;

/** Run pages, their logs and events, and the health of the process: for the public listener. */
export function registerRunPages(app: FastifyInstance, deps: RunPageDeps): void {
  registerHealth(app, deps);
  void app.register(async (pages) => {
    const streams = new LiveStreams(pages, deps.logger, maxStreams);
    const nonces = new WeakMap<FastifyReply, string>();
    const nonceOf = (reply: FastifyReply) => nonces.get(reply) ?? '';

    pages.addHook('onRequest', async (_request, reply) => {
      const nonce = randomBytes(16).toString('base64url');
      nonces.set(reply, nonce);
      reply.headers(securityHeaders(nonce));
    });
    pages.setErrorHandler(async (error, request, reply) => {
      const { status, title, text } = problemOf(error);
      if (status >= 500) deps.logger.error({ err: error, route: request.routeOptions.url }, 'a run page failed');
      return await reply
        .code(status)
        .type('text/html; charset=utf-8')
        .send(messagePage(title, text, nonceOf(reply)));
    });

    pages.get<{ Params: { pageKey: string } }>('/runs/:pageKey', async (request, reply) => {
      const run = await findByKey(deps, request.params.pageKey);
      const logs = await readTails(deps, run);
      const cursor = new Map(
        run.nodes.flatMap((node) => {
          const attempt = node.attempts.at(-1);
          const tail = logs.get(node.id);
          return attempt && tail ? [[node.id, { attempt: attempt.number, seq: tail.seq }] as const] : [];
        }),
      );
      return await reply.type('text/html; charset=utf-8').send(
        runPage({
          run,
          model: pageModel(run, deps.clock.now()),
          logs,
          cursor: formatCursor(
            cursor,
            run.nodes.map((node) => node.id),
          ),
          live: !isTerminal(run.state),
          nonce: nonceOf(reply),
        }),
      );
    });

    pages.get<{ Params: { pageKey: string }; Querystring: Record<string, unknown> }>(
      '/runs/:pageKey/log',
      { exposeHeadRoute: false },
      async (request, reply) => {
        const run = await findByKey(deps, request.params.pageKey);
        const { job, attempt } = request.query;
        const number = typeof attempt === 'string' && /^\d{1,6}$/.test(attempt) ? Number(attempt) : undefined;
        const selection = { job: typeof job === 'string' ? job : undefined, attempt: number };
        if (selection.job !== undefined && !run.nodes.some((node) => node.id === selection.job)) throw unknownPage();
        refuseIfFull(streams);
        await streams.send(reply, { 'content-type': 'text/plain; charset=utf-8' }, (signal) =>
          logAsText(deps.store, run, selection, signal),
        );
      },
    );

    pages.get<{ Params: { pageKey: string }; Querystring: Record<string, unknown> }>(
      '/runs/:pageKey/events',
      { exposeHeadRoute: false },
      async (request, reply) => {
        const run = await findByKey(deps, request.params.pageKey);
        const sent = request.headers['last-event-id'] ?? request.query.after;
        const after = readCursor(run, {}, typeof sent === 'string' ? sent : undefined);
        refuseIfFull(streams);
        await streams.send(reply, eventStreamHeaders, (signal) => pageEvents(deps, run, after, signal));
      },
    );
  });
}

async function findByKey(deps: RunPageDeps, pageKey: string): Promise<RunDetail> {
  const run = /^[\w-]{16,64}$/.test(pageKey) ? await deps.store.runs.find({ pageKey }) : undefined;
  if (!run) throw unknownPage();
  return run;
}

/** Newest attempts only; the running and the failed first, in case they don't all fit. */
async function readTails(deps: RunPageDeps, run: RunDetail): Promise<Map<string, LogTail>> {
  const tails = new Map<string, LogTail>();
  const weight = (state: string) => (state === 'running' ? 0 : state === 'failed' || state === 'timed_out' ? 1 : 2);
  const nodes = [...run.nodes].sort((left, right) => weight(left.state) - weight(right.state));
  let left = pageLogBytes;
  for (const node of nodes) {
    const attempt = node.attempts.at(-1);
    if (!attempt) continue;
    const most = Math.min(jobLogBytes, Math.max(left, 0));
    const tail = most > 0 ? await readTail(deps.store, attempt, most) : undefined;
    left -= tail?.pieces.reduce((sum, piece) => sum + piece.text.length, 0) ?? 0;
    tails.set(node.id, tail ?? { pieces: [], seq: attempt.durableSeq, cut: attempt.logBytes > 0 });
  }
  return tails;
}

function securityHeaders(nonce: string): Record<string, string> {
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    'content-security-policy': policy.join('; '),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
    'x-robots-tag': 'noindex, nofollow',
  };
}

function unknownPage(): SolsticeError {
  return new SolsticeError('not-found', 'There is no page at this address.');
}

function refuseIfFull(streams: LiveStreams): void {
  if (streams.full) throw new SolsticeError('database-unavailable', 'Too many people are reading along.');
}

function problemOf(error: unknown): { status: number; title: string; text: string } {
  const code = error instanceof SolsticeError ? error.code : undefined;
  if (code === 'not-found') return { status: 404, title: 'Not found', text: toError(error).message };
  if (code === 'usage') return { status: 400, title: 'Not understood', text: toError(error).message };
  if (error instanceof SolsticeError && error.retryable) {
    return { status: 503, title: 'Not now', text: 'This cannot be shown at the moment. Try again in a while.' };
  }
  return {
    status: 500,
    title: 'Something went wrong',
    text: 'The page could not be made; the log of the server says why.',
  };
}
