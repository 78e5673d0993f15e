import { setTimeout as delay } from 'node:timers/promises';
import { assertNever, SolsticeError, toError } from '@solstice/common/errors';
import type { AttemptResult } from '@solstice/common/flow';
import type { Assignment } from '@solstice/common/rpc';
import type { AttemptStore, Claim, CommandOutcome, RunnerRecord } from '@solstice/common/store';
import type { Logger } from '@solstice/common/telemetry';
import type { Worker, WorkerExit } from '@solstice/workers/backends';
import type { SessionControl, SessionOwner } from '@solstice/workers/sessions';
import { untilSettled } from '../hosts/settled.js';
import { assignmentOf, type RunnerLimits } from './assignment.js';

export interface AttemptClocks {
  /** From the worker being made to its runner's first word. */
  bootMs: number;
  /** From the cancel's being sent to the runner's result; after that the worker is destroyed without one. */
  cancelMs: number;
  /** Beyond the job's own timeout, which the runner keeps: when it says nothing by then, it hangs. */
  hangMs: number;
}

export interface LiveAttemptDependencies {
  store: AttemptStore;
  logger: Logger;
  limits: RunnerLimits;
  clocks: AttemptClocks;
  archive(commit: string): AsyncIterable<Uint8Array>;
}

/** Why the supervision of an attempt ended. Everything but `left` has destroyed the worker. */
export type AttemptEnd = 'finished' | 'lost' | 'fenced' | 'left';

/**
 * One attempt on this host: its worker, its runner's session, and its end. Exactly one of these is told to the store,
 * whichever comes first: the runner's result, the worker's death, a cancel that the runner did not obey.
 */
export class LiveAttempt implements SessionOwner {
  durableSeq = 0;
  readonly stepNames: readonly string[];
  readonly #claim: Claim;
  readonly #worker: Worker;
  readonly #dependencies: LiveAttemptDependencies;
  readonly #logger: Logger;
  /** Aborted when this process lets go of the attempt, or has settled it. */
  readonly #over = new AbortController();
  readonly #ended: Promise<AttemptEnd>;
  #resolveEnded!: (end: AttemptEnd) => void;
  #control: SessionControl | undefined;
  #cancel: { by: string; reason?: string } | undefined;
  #started = false;
  /** Set before the first await of an ending, so that there is only one. */
  #ending = false;
  #settled = false;
  /** This process has let go: it may tell neither the store nor the runner anything any more. */
  #left = false;

  constructor(
    claim: Claim,
    worker: Worker,
    dependencies: LiveAttemptDependencies,
    adopted: { started: boolean; durableSeq: number } | undefined,
  ) {
    this.#claim = claim;
    this.#worker = worker;
    this.#dependencies = dependencies;
    this.#logger = dependencies.logger.child({ attemptId: claim.fence.attemptId, workerId: claim.workerId });
    this.stepNames = claim.job.steps.map((step) => step.name);
    this.#ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.#started = adopted?.started ?? false;
    this.durableSeq = adopted?.durableSeq ?? 0;
    this.#watchWorker();
    if (!this.#started) {
      this.#after(dependencies.clocks.bootMs, () =>
        this.#started ? undefined : this.#lose(`its runner said nothing within ${dependencies.clocks.bootMs / 1000} s`),
      );
    } else {
      this.#armHangClock();
    }
  }

  get attemptId(): string {
    return this.#claim.fence.attemptId;
  }

  get workerId(): string {
    return this.#claim.workerId;
  }

  /** Settles when the attempt is over for this process; the worker is destroyed by then, unless it was left. */
  ended(): Promise<AttemptEnd> {
    return this.#ended;
  }

  /** A cancel was committed. Repeating it does nothing. */
  cancel(cancel: { by: string; reason?: string }): void {
    if (this.#cancel || this.#ending) return;
    this.#cancel = cancel;
    this.#logger.info({ by: cancel.by }, 'cancel requested');
    if (!this.#started) {
      void this.#finish({ state: 'cancelled', cause: { kind: 'cancelled', ...cancel } });
      return;
    }
    this.#control?.cancel(cancel.reason ?? `cancelled by ${cancel.by}`);
    this.#after(this.#dependencies.clocks.cancelMs, () =>
      this.#finish({ state: 'cancelled', cause: { kind: 'cancelled', ...cancel } }),
    );
  }

  /** The store says that the attempt is no longer this host's. */
  fenced(): void {
    void this.#end('fenced', async () => undefined);
  }

  /** Lets go without touching worker or store: the next process of this host adopts them. */
  leave(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#left = true;
    this.#over.abort();
    this.#resolveEnded('left');
  }

  // What the session server asks (SessionOwner).

  connected(control: SessionControl): void {
    this.#control = control;
    if (this.#settled) control.dismiss('the attempt is over');
    else if (this.#cancel) control.cancel(this.#cancel.reason ?? `cancelled by ${this.#cancel.by}`);
  }

  disconnected(): void {
    this.#control = undefined;
  }

  async assignment(): Promise<Assignment | undefined> {
    if (this.#ending || this.#cancel) return undefined;
    const outcome = await this.#store((store) => store.start(this.#claim.fence));
    if ('refused' in outcome) {
      // Cancelled between claim and start: the exchange with the store brings the cancel itself.
      this.#logger.info({ reason: outcome.reason }, 'no assignment is sent');
      return undefined;
    }
    this.#started = true;
    this.#armHangClock();
    return assignmentOf(this.#claim, this.#worker.mirrorPath, this.#dependencies.limits);
  }

  async record(records: RunnerRecord[]): Promise<{ durableSeq: number }> {
    // Not acknowledged: the runner says it again to the process that takes over.
    if (this.#left) throw new Error('this process has let go of the attempt');
    const last = records.at(-1);
    const finished = last?.kind === 'job-finished' ? last : undefined;
    const rest = finished ? records.slice(0, -1) : records;
    if (rest.length > 0) {
      const { durableSeq } = await this.#dependencies.store.record(this.#claim.fence, rest);
      this.durableSeq = durableSeq;
    }
    if (finished) {
      const end = await this.#finish(this.#withCancel(finished.result), { keepWorker: true });
      if (end === 'fenced') throw new SolsticeError('fence-lost', `${this.attemptId} was taken from this worker`);
      if (end === 'left') throw new Error('this process has let go of the attempt');
      this.durableSeq = finished.seq;
    }
    return { durableSeq: this.durableSeq };
  }

  source(): AsyncIterable<Uint8Array> {
    return this.#dependencies.archive(this.#claim.source.commit);
  }

  // Endings.

  #watchWorker(): void {
    void this.#worker.wait().then(
      (exit) => this.#workerEnded(exit),
      (error: unknown) => this.#lose(`its worker could not be watched: ${toError(error).message}`),
    );
  }

  async #workerEnded(exit: WorkerExit): Promise<void> {
    if (this.#ending) return;
    if (this.#cancel) {
      await this.#finish({ state: 'cancelled', cause: { kind: 'cancelled', ...this.#cancel } });
      return;
    }
    switch (exit.kind) {
      case 'gone':
        return this.#lose('its worker disappeared');
      case 'exited': {
        if (exit.outOfMemory) {
          await this.#finish({ state: 'failed', cause: { kind: 'out-of-memory' } });
          return;
        }
        const how = exit.signal === undefined ? `exit code ${exit.exitCode ?? 'unknown'}` : `signal ${exit.signal}`;
        const last = exit.lastOutput.trim();
        return this.#lose(`its runner ended with ${how}${last === '' ? '' : `: ${last.slice(-500)}`}`);
      }
      default:
        return assertNever(exit);
    }
  }

  #withCancel(result: AttemptResult): AttemptResult {
    return this.#cancel && result.cause?.kind === 'cancelled'
      ? { state: result.state, cause: { kind: 'cancelled', ...this.#cancel } }
      : result;
  }

  #finish(result: AttemptResult, options: { keepWorker?: boolean } = {}): Promise<AttemptEnd> {
    return this.#end('finished', (store) => store.finish(this.#claim.fence, result), options);
  }

  async #lose(detail: string): Promise<void> {
    await this.#end('lost', (store) => store.lose(this.#claim.fence, detail));
  }

  /**
   * The one way out. With `keepWorker` the runner is left a moment to take the last acknowledgement and to exit by
   * itself; the worker is destroyed in any case.
   */
  async #end(
    end: AttemptEnd,
    tell: (store: AttemptStore) => Promise<CommandOutcome | undefined>,
    options: { keepWorker?: boolean } = {},
  ): Promise<AttemptEnd> {
    if (this.#ending) return this.#settled ? 'finished' : this.#ended;
    this.#ending = true;
    let told: AttemptEnd = end;
    try {
      const outcome = await this.#store(tell);
      if (outcome && 'refused' in outcome) {
        this.#logger.info({ reason: outcome.reason, state: outcome.state }, 'the attempt had ended before');
      }
    } catch (error) {
      if (this.#over.signal.aborted) return 'left';
      if (!(error instanceof SolsticeError && error.code === 'fence-lost')) {
        this.#logger.error({ err: error }, 'the end of the attempt could not be stored');
      }
      told = 'fenced';
    }
    this.#settled = true;
    this.#over.abort();
    void this.#takeAway(told, options.keepWorker === true && told === 'finished');
    return told;
  }

  async #takeAway(end: AttemptEnd, runnerEndsByItself: boolean): Promise<void> {
    if (runnerEndsByItself) await Promise.race([this.#worker.wait(), delay(2_000, undefined, { ref: false })]);
    else this.#control?.dismiss('the attempt is over');
    await this.#destroy();
    this.#resolveEnded(end);
  }

  /** Until it is done: a reservation is given back only for a worker that is really gone. */
  async #destroy(): Promise<void> {
    for (let pauseMs = 200; ; pauseMs = Math.min(pauseMs * 2, 10_000)) {
      try {
        await this.#worker.destroy();
        await this.#dependencies.store.releaseWorker(this.workerId);
        return;
      } catch (error) {
        this.#logger.warn({ err: error, pauseMs }, 'the worker could not be destroyed; trying again');
      }
      await delay(pauseMs, undefined, { ref: false });
    }
  }

  #store<T>(call: (store: AttemptStore) => Promise<T>): Promise<T> {
    return untilSettled(() => call(this.#dependencies.store), this.#over.signal, this.#logger);
  }

  #armHangClock(): void {
    const { timeoutMs } = this.#claim.job;
    if (timeoutMs === undefined) return;
    this.#after(timeoutMs + this.#dependencies.clocks.hangMs, () =>
      this.#finish({ state: 'timed_out', cause: { kind: 'clock', clock: 'job', limitMs: timeoutMs } }),
    );
  }

  #after(ms: number, act: () => unknown): void {
    // Timers hold 2^31 ms at most; a longer timeout is the runner's alone to keep.
    if (ms > 2 ** 31 - 1) return;
    void delay(ms, undefined, { signal: this.#over.signal, ref: false }).then(
      () => act(),
      () => undefined,
    );
  }
}
