import { isLimit } from './silence-clock.js';

/** Calls after so long. Undefined: it is no limit. Clear it with `clearTimeout`. */
export function startLimit(limitMs: number, onEnd: () => void): NodeJS.Timeout | undefined {
  return isLimit(limitMs) ? setTimeout(onEnd, limitMs) : undefined;
}
