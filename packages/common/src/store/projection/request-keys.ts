import { SolsticeError } from '../../errors/index.js';
import type { MadeByRequest, NewRunNumber, PlanRequest, RequestKey } from '../port/index.js';

/** What is stored of a key, if this is the request that it belongs to; else rejects `request-key-reused`. */
export function madeBefore(
  { key, fingerprint }: RequestKey,
  stored: { fingerprint: string; answer: MadeByRequest } | undefined,
): MadeByRequest | undefined {
  if (stored === undefined || stored.fingerprint === fingerprint) return stored?.answer;
  const numbers = stored.answer.runs.map(({ number }) => number).join(', ');
  throw new SolsticeError(
    'request-key-reused',
    `The key "${key}" belongs to another request, which made run ${numbers}; nothing was done.`,
  );
}

/** What a plan has made, as it is told to whoever asks again. */
export function madeOf({ outcome: { reason } }: PlanRequest, runs: NewRunNumber[]): MadeByRequest {
  return { runs, ...(reason !== undefined && { reason }) };
}

/** Of a request that makes one run. */
export function onlyRun({ runs: [run] }: MadeByRequest): NewRunNumber {
  if (run === undefined) throw new SolsticeError('internal', 'a request that makes one run has made none');
  return run;
}
