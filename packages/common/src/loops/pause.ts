/**
 * Waits. Rejects with the signal's reason when that is aborted. On the global timers, unlike Node's own promise of the
 * kind, so that a test can turn them. `ref: false`: does not keep the process alive.
 */
export function pause(ms: number, options: { signal?: AbortSignal; ref?: boolean } = {}): Promise<void> {
  const { signal, ref = true } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    if (!ref) timer.unref?.();
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
