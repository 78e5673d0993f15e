import { pause } from '@solstice/common/loops';

/** What a job has for its `catch` steps, and again for its `finally` steps, when its own time is up or it is cancelled. */
export const AFTERMATH_MS = 5 * 60_000;

export interface AttemptClocks {
  /** From the worker being made to its runner's first word. */
  bootMs: number;
  /**
   * From the taking over of a worker that has its assignment to its runner's coming back. A runner tries that every few
   * seconds: one that does not come hangs, or cannot reach this host.
   */
  returnMs: number;
  /** From the cancel's being sent to the runner's result, `finally` apart; after that the worker is destroyed without one. */
  cancelMs: number;
  /** Beyond what the runner keeps itself (timeout, deadline, silence): when it says nothing by then, it hangs. */
  hangMs: number;
}

/** What an attempt has to know of its host: its lease, and whether its runners get through. */
export interface LeaseView {
  /** How long exclusive work may still run if the lease is not renewed again. */
  exclusiveLeftMs(): number;
  /** For how long runners could be heard: its socket open, its lease renewed without a gap. 0 while they can't. */
  heardForMs(): number;
}

/** Timers hold 2^31 ms at most; a longer timeout is the runner's alone to keep. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** Acts after so long, unless it is over by then. */
export function after(ms: number, over: AbortSignal, act: () => unknown): void {
  if (ms > TIMER_MAX_MS) return;
  void pause(ms, { signal: over, ref: false }).then(
    () => act(),
    () => undefined,
  );
}

/**
 * Acts after so long, but only when the runner could be heard all through the last `steadyMs`: what it keeps for us
 * because we could not store it must not be overtaken.
 */
export function afterSteady(
  ms: number,
  steadyMs: number,
  lease: Pick<LeaseView, 'heardForMs'>,
  over: AbortSignal,
  act: () => unknown,
): void {
  after(ms, over, () => {
    const missingMs = steadyMs - lease.heardForMs();
    if (missingMs <= 0) return act();
    afterSteady(missingMs, steadyMs, lease, over, act);
  });
}
