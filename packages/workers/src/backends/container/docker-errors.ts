import { toError } from '@solstice/common/errors';

/** The HTTP status with which the engine refused; undefined: it did not answer at all. */
export function statusOf(thrown: unknown): number | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('statusCode' in thrown)) return undefined;
  return typeof thrown.statusCode === 'number' ? thrown.statusCode : undefined;
}

/** What the engine itself said, without what its client library puts round it. */
export function engineWords(thrown: unknown): string {
  if (typeof thrown === 'object' && thrown !== null && 'json' in thrown) {
    const { json } = thrown;
    if (typeof json === 'object' && json !== null && 'message' in json) return String(json.message).trim();
  }
  return toError(thrown).message.trim();
}

/** Undefined in place of a 404: what is not there needs no removing and has no state. */
export async function unlessAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (thrown) {
    if (statusOf(thrown) === 404) return undefined;
    throw thrown;
  }
}
