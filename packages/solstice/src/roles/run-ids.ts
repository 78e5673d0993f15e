import { randomBytes } from 'node:crypto';
import { uuidv7 } from './uuid-v7.js';

/** What a new run is called by, whoever makes it; the key is 128 random bits. */
export const runIds = {
  runId: (): string => uuidv7(),
  pageKey: (): string => randomBytes(16).toString('base64url'),
};
