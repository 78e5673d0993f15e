/** How long to wait before try number `tries` + 1: doubling from `firstMs` up to `mostMs`, the upper half of it random. */
export function backoffMs(tries: number, options: { firstMs: number; mostMs: number }): number {
  const fullMs = Math.min(options.mostMs, options.firstMs * 2 ** Math.min(tries, 30));
  return fullMs * (0.5 + Math.random() / 2);
}
