import { SolsticeError } from '@solstice/common/errors';
import type { Sealer } from '@solstice/common/secrets';
import type { Delivery, NewDelivery, Store } from '@solstice/common/store';
import type { Logger } from '@solstice/common/telemetry';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
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
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // The signature is over the bytes as they came, so nothing may touch them before.
    scope.addContentTypeParser(
      'application/json',
      { parseAs: 'buffer', bodyLimit: MAX_WEBHOOK_BYTES },
      (_request, body, done) => done(null, body),
    );
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
        return receive(forge, request, rawBody, reply, dependencies, logger);
      },
    });
  });
}

async function receive(
  forge: Forge,
  request: FastifyRequest,
  rawBody: Uint8Array,
  reply: FastifyReply,
  dependencies: WebhookDependencies,
  logger: Logger,
): Promise<FastifyReply> {
  const { store, sealer, allowUnsigned } = dependencies;
  const { headers } = request;
  const repositories = (await store.repositories.list()).filter((repository) => repository.forge === forge.id);
  const authenticity = authenticate({ forge, headers, rawBody, repositories, sealer, allowUnsigned, logger });
  if (authenticity.kind === 'refused') {
    logger.warn({ forge: forge.id, reason: authenticity.reason }, 'webhook refused');
    return refuse(reply, 401, authenticity.reason);
  }

  const forgeDeliveryId = forge.deliveryId(headers);
  const eventName = forge.eventName(headers);
  if (!isPlain(forgeDeliveryId)) return refuse(reply, 400, 'the header with the delivery id is missing or too long');
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
  const delivery: NewDelivery = {
    forge: forge.id,
    forgeDeliveryId,
    eventName,
    repositoryId: repository.id,
    event,
    reason,
    twinKey: event && twinKeyOf(repository.id, event),
    body: rawBody,
  };
  const accepted = await store.deliveries.accept(delivery);
  const stored = accepted.delivery;
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
  const redelivered = accepted.kind === 'duplicate';
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
