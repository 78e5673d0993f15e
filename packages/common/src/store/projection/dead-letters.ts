import { createHash } from 'node:crypto';
import { SolsticeError, toError } from '../../errors/index.js';
import { type ParsedMessage, parseMessage } from '../../messages/index.js';
import type { NewDeadLetter } from '../port/index.js';

/** Reads the body of a letter as this version can. */
export function readLetter(body: Uint8Array): ParsedMessage {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (error) {
    return { unreadable: `not JSON: ${toError(error).message}` };
  }
  return parseMessage(value);
}

/** The same letter has the same: whoever stored it and did not live to say so stores it again. */
export function letterDigest(letter: NewDeadLetter): Uint8Array {
  const { queue, routingKey, reason, at, body } = letter;
  const hash = createHash('sha256').update(JSON.stringify([queue, routingKey, reason, at.getTime()]));
  return new Uint8Array(hash.update(body).digest());
}

export function noSuchLetter(id: string): SolsticeError {
  return new SolsticeError('not-found', `there is no dead letter ${id}`);
}
