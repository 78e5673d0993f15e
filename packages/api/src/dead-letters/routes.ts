import { SolsticeError } from '@solstice/common/errors';
import type { DeadLetterRecord } from '@solstice/common/store';
import type { FastifyInstance } from 'fastify';
import type { OperatorApiDeps } from '../deps.js';
import type { DeadLetterView } from '../fleet-schemas.js';
import { parseInput, RefusedError } from '../operator/errors.js';
import { deadLetterListQuerySchema, idSchema } from '../requests.js';

/** Messages that nobody could read: to look at, to send again with a version that can, to drop. */
export function registerDeadLetterRoutes(app: FastifyInstance, deps: OperatorApiDeps): void {
  const { deadLetters } = deps.store;

  app.get('/dead-letters', async (request) => {
    const { limit = 20 } = parseInput(deadLetterListQuerySchema, request.query);
    const [total, letters] = await Promise.all([deadLetters.count(), deadLetters.list({ limit })]);
    return { total, letters: letters.map(letterView) };
  });

  app.get('/dead-letters/:id', async (request): Promise<DeadLetterView> => {
    const { id } = parseInput(idSchema, request.params);
    const letter = await deadLetters.get(id);
    if (!letter) throw unknown(id);
    return { ...letterView(letter), body: bodyView(letter.body) };
  });

  app.post('/dead-letters/:id/replay', async (request) => {
    const { id } = parseInput(idSchema, request.params);
    const outcome = await orUnknown(id, deadLetters.replay(id));
    if ('unreadable' in outcome) {
      throw new RefusedError(`Dead letter ${id} still cannot be read: ${outcome.unreadable}`, 'unreadable', hint);
    }
    return { replayed: id };
  });

  app.post('/dead-letters/:id/remove', async (request) => {
    const { id } = parseInput(idSchema, request.params);
    await orUnknown(id, deadLetters.remove(id));
    return { removed: id };
  });
}

const hint = 'Another version sent it: replay it where that version runs, or drop it.';

function unknown(id: string): SolsticeError {
  return new SolsticeError('not-found', `There is no dead letter ${id}.`, { hint: 'ciadm dead list shows them.' });
}

async function orUnknown<T>(id: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof SolsticeError && error.code === 'not-found' ? unknown(id) : error;
  }
}

function letterView(letter: DeadLetterRecord): DeadLetterView {
  return {
    id: letter.id,
    queue: letter.queue,
    routingKey: letter.routingKey,
    reason: letter.reason,
    at: letter.at.toISOString(),
    bytes: letter.body.length,
  };
}

function bodyView(body: Uint8Array): NonNullable<DeadLetterView['body']> {
  try {
    return { encoding: 'utf8', text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body) };
  } catch {
    return { encoding: 'base64', text: Buffer.from(body).toString('base64') };
  }
}
