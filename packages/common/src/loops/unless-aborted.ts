/**
 * What it settles to; or, as soon as the signal is aborted, a rejection with its reason. What was waited for goes on by
 * itself then, and its outcome is nobody's any more.
 */
export async function unlessAborted<T>(signal: AbortSignal, waited: Promise<T>): Promise<T> {
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort);
  });
  try {
    // The first of the two, so that an abort that has been goes before an answer that is there already.
    return await Promise.race([aborted, waited]);
  } finally {
    // A signal may live as long as its process, and be waited with again and again.
    signal.removeEventListener('abort', onAbort);
  }
}
