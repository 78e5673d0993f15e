import { SolsticeError } from '@solstice/common/errors';
import type { Sealer } from '@solstice/common/secrets';
import { type Delivery, type NewDelivery, type Store, TICK_ID_PREFIX } from '@solstice/common/store';
import { type Logger, type Metrics, noTracing, type Span, type Tracing } from '@solstice/common/telemetry';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { eventAttributes } from '../event-attributes.js';
import type { Forges } from '../forges/create-forges.js';
import type { Forge } from '../forges/forge.js';
import { authenticate } from './authenticate.js';
import { twinKeyOf } from './twin-key.js';

export interface WebhookDependencies {
  store: Pick<Store, 'repositories' | 'deliveries'>;
  forges: Forges;
  sealer: Sealer;
  logger: Logger;
  /** `--dev`: a forge without any secret takes unsigned deliveries. */
  allowUnsigned: boolean;
  metrics?: Pick<Metrics, 'count'>;
  tracing?: Tracing;
}

/** What every answer holds, with any status; which fields, see registerWebhooks. */
export interface WebhookAnswer {
  /** Of our inbox row. */
  delivery?: string;
  state?: Delivery['state'];
  /** Why it is ignored, refused, or was so before. */
  reason?: string;
  /** It was received before, and nothing was changed. */
  redelivery?: true;
}

/** GitHub's own limit; it delivers nothing larger. */
const MAX_WEBHOOK_BYTES = 25 * 1024 * 1024;
const RETRY_AFTER_SECONDS = 5;
const MAX_HEADER_LENGTH = 200;

/**
 * `POST /webhooks/:forgeId`. The row is in the inbox before the answer is sent; nothing is written for any other
 * answer than 202.
 *
 * 202 `{delivery, state, reason?}` stored, or `{…, redelivery: true}`; 400 not JSON, or not such an event; 401 not
 * signed by one who may; 404 no such forge or repository; 413 over 25 MB; 415 not `application/json`; 503 with
 * `Retry-After` while the database is away.
 */
export function registerWebhooks(app: FastifyInstance, dependencies: WebhookDependencies): void {
  const logger = dependencies.logger.child({ part: 'webhooks' });
  const { forges, metrics } = dependencies;
  const taken = new WeakMap<object, Taken>();
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // The signature is over the bytes as they came, so nothing may touch them before.
    scope.addContentTypeParser(
      'application/json',
      { parseAs: 'buffer', bodyLimit: MAX_WEBHOOK_BYTES },
      (_request, body, done) => done(null, body),
    );
    scope.addHook('onResponse', async (request: FastifyRequest<{ Params: { forgeId?: string } }>, reply) => {
      const { forgeId = '' } = request.params;
      // Anybody can ask for any name: only those of the settings are told.
      const forge = forges.has(forgeId) ? forgeId : 'unknown';
      metrics?.count('solstice_webhook_requests_total', {
        forge,
        result: resultOf(reply.statusCode, taken.get(request)),
      });
    });
    scope.setErrorHandler((error, request, reply) => answerError(error, request, reply, logger));
    scope.post<{ Params: { forgeId: string } }>('/webhooks/:forgeId', {
      bodyLimit: MAX_WEBHOOK_BYTES,
      onRequest: async (request, reply) => {
        if (!dependencies.forges.has(request.params.forgeId)) return refuse(reply, 404, 'there is no such forge');
        const type = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase();
        if (type !== 'application/json') return refuse(reply, 415, contentTypeReason(type));
        return undefined;
      },
      handler: async (request, reply) => {
        const forge = dependencies.forges.get(request.params.forgeId);
        if (!forge) return refuse(reply, 404, 'there is no such forge');
        // An empty body never reaches the parser.
        const rawBody = request.body instanceof Uint8Array ? request.body : new Uint8Array();
        const tell = (what: Taken) => taken.set(request, what);
        return receive(forge, request, rawBody, reply, tell, dependencies, logger);
      },
    });
  });
}

async function receive(
  forge: Forge,
  request: FastifyRequest,
  rawBody: Uint8Array,
  reply: FastifyReply,
  tell: (what: Taken) => void,
  dependencies: WebhookDependencies,
  logger: Logger,
): Promise<FastifyReply> {
  const { store, sealer, allowUnsigned, tracing = noTracing } = dependencies;
  const { headers } = request;
  const startAt = new Date();
  const repositories = (await store.repositories.list()).filter((repository) => repository.forge === forge.id);
  const authenticity = authenticate({ forge, headers, rawBody, repositories, sealer, allowUnsigned, logger });
  if (authenticity.kind === 'refused') {
    logger.warn({ forge: forge.id, reason: authenticity.reason }, 'webhook refused');
    return refuse(reply, 401, authenticity.reason);
  }

  const forgeDeliveryId = forge.deliveryId(headers);
  const eventName = forge.eventName(headers);
  if (!isPlain(forgeDeliveryId)) return refuse(reply, 400, 'the header with the delivery id is missing or too long');
  if (forgeDeliveryId.startsWith(TICK_ID_PREFIX)) return refuse(reply, 400, idOfTick);
  if (!isPlain(eventName)) return refuse(reply, 400, 'the header with the name of the event is missing or too long');
  let body: unknown;
  try {
    body = JSON.parse(Buffer.from(rawBody).toString('utf8'));
  } catch {
    return refuse(reply, 400, 'the body is not JSON');
  }
  const normalised = forge.normalise(headers, body);
  if (normalised.kind === 'malformed') {
    return refuse(reply, 400, `this is not a ${eventName} event of a ${forge.kind} forge: ${normalised.reason}`);
  }

  const named = normalised.kind === 'event' ? normalised.event.repository : normalised.repository;
  const reason = normalised.kind === 'ignored' ? normalised.reason : undefined;
  if (named === undefined) {
    // A hook of a whole organisation says such things: there is no repository to keep it under, and nothing to do.
    if (!authenticity.speaksFor(undefined)) return refuse(reply, 401, notItsSecret);
    tell('ignored');
    return reply
      .code(202)
      .send({ state: 'ignored', reason: reason ?? 'it names no repository' } satisfies WebhookAnswer);
  }
  // Of the list, and not by resolve(), which remembers what it is told: that is for those who may speak.
  const known =
    repositories.find((repository) => repository.forgeRepositoryId === named.forgeRepositoryId) ??
    repositories.find((repository) => repository.forgeRepositoryId === undefined && repository.name === named.name);
  if (!authenticity.speaksFor(known)) {
    logger.warn({ forge: forge.id, repository: named.name }, 'webhook refused: signed with the secret of another');
    return refuse(reply, 401, notItsSecret);
  }
  const repository = await store.repositories.resolve(forge.id, named);
  if (!repository) {
    logger.warn({ forge: forge.id, repository: named.name }, 'webhook of an unknown repository');
    return refuse(reply, 404, `forge ${forge.id} has no repository ${named.name} here; ciadm repo add makes it known`);
  }

  // resolve() may have found another one than the list had, by a name that was changed in between.
  if (!authenticity.speaksFor(repository)) return refuse(reply, 401, notItsSecret);

  const event = normalised.kind === 'event' ? normalised.event : undefined;
  // A trace begins only with a request that we believe; and here, not in a header that a stranger may have sent.
  const span = tracing.span('POST /webhooks/:forgeId', {
    kind: 'server',
    startAt,
    attributes: {
      ...eventAttributes(forge.id, repository.name, event),
      'http.request.method': 'POST',
      'http.route': '/webhooks/:forgeId',
      'solstice.event': eventName,
    },
  });
  const delivery: NewDelivery = {
    forge: forge.id,
    forgeDeliveryId,
    eventName,
    repositoryId: repository.id,
    event,
    reason,
    twinKey: event && twinKeyOf(repository.id, event),
    body: rawBody,
    ...(span.context && { trace: span.context }),
  };
  const accepted = await accept(store.deliveries, delivery, span);
  const stored = accepted.delivery;
  const redelivered = accepted.kind === 'duplicate';
  if (redelivered) tell('duplicate');
  else if (stored.state === 'ignored') tell('ignored');
  logger.info(
    {
      forge: forge.id,
      delivery: stored.id,
      event: eventName,
      state: stored.state,
      reason: stored.reason,
      kind: accepted.kind,
    },
    'webhook received',
  );
  const told = redelivered
    ? `received before; nothing was changed${stored.reason ? `: ${stored.reason}` : ''}`
    : stored.reason;
  return reply.code(202).send({
    delivery: stored.id,
    state: stored.state,
    ...(told === undefined ? {} : { reason: told }),
    ...(redelivered ? { redelivery: true } : {}),
  } satisfies WebhookAnswer);
}

/** Stores it, and ends the span of the request with what became of it. */
async function accept(
  deliveries: Store['deliveries'],
  delivery: NewDelivery,
  span: Span,
): ReturnType<Store['deliveries']['accept']> {
  try {
    const accepted = await deliveries.accept(delivery);
    const { id, state } = accepted.delivery;
    const attributes = {
      'solstice.delivery.id': id,
      'solstice.delivery.state': state,
      'http.response.status_code': 202,
    };
    span.end({ attributes });
    return accepted;
  } catch (error) {
    span.end({ errorType: error instanceof SolsticeError ? error.code : 'internal' });
    throw error;
  }
}

/** What an answer with 202 was for. */
type Taken = 'accepted' | 'duplicate' | 'ignored';

function resultOf(status: number, taken: Taken | undefined): string {
  switch (status) {
    case 202:
      return taken ?? 'accepted';
    case 401:
      return 'unsigned';
    case 404:
      return 'unknown';
    case 503:
      return 'unavailable';
    default:
      return status < 500 ? 'malformed' : 'error';
  }
}

// Kept under the same key: the tick with that id would be taken for a redelivery, and never run.
const idOfTick = `a delivery id that begins with ${TICK_ID_PREFIX} is kept for the ticks of schedules; a forge may not use it`;
const notItsSecret = 'the signature is made with a secret that does not count for this repository';

function refuse(reply: FastifyReply, status: number, reason: string): FastifyReply {
  return reply.code(status).send({ reason } satisfies WebhookAnswer);
}

function contentTypeReason(type: string | undefined): string {
  if (type === 'application/x-www-form-urlencoded') {
    return 'form-encoded webhooks are not taken: set the content type of the webhook to application/json on the forge';
  }
  return 'the content type must be application/json';
}

/** Ids and names as forges make them; PostgreSQL could not store a NUL, nor people read a page of it. */
function isPlain(text: string | undefined): text is string {
  return text !== undefined && text.length <= MAX_HEADER_LENGTH && /^[\x21-\x7e]+$/.test(text);
}

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, logger: Logger): FastifyReply {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  if (status === 413) return refuse(reply.header('connection', 'close'), 413, 'the body is larger than 25 MB');
  if (status === 415) return refuse(reply, 415, contentTypeReason(undefined));
  if (typeof status === 'number' && status >= 400 && status < 500 && error instanceof Error) {
    return refuse(reply, status, error.message);
  }
  if (error instanceof SolsticeError && error.retryable) {
    logger.warn({ err: error, url: request.url }, 'webhook not stored; the forge is asked to send it again');
    reply.header('retry-after', RETRY_AFTER_SECONDS);
    return refuse(reply, 503, 'the delivery could not be stored now; send it again');
  }
  logger.error({ err: error, url: request.url }, 'webhook failed');
  return refuse(reply, 500, 'an error of our own; the log has it');
}
