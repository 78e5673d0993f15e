export const firstDelayMs = 100;
export const longestDelayMs = 5_000;

/** How long to wait before connecting for the `attempt`-th time in a row (from 0). `random` is in [0, 1): half of each delay is fixed, half is jitter. */
export function reconnectDelayMs(attempt: number, random: number): number {
  const ceiling = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(attempt, 16));
  return ceiling / 2 + (ceiling / 2) * random;
}
