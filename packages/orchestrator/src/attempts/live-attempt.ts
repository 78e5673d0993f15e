import { assertNever, SolsticeError, toError } from '@solstice/common/errors';
import { type AttemptResult, stepsOf } from '@solstice/common/flow';
import type { Assignment } from '@solstice/common/rpc';
import type { AttemptStore, CancelWish, Claim, RunnerRecord } from '@solstice/common/store';
import type { Logger } from '@solstice/common/telemetry';
import type { ServiceFailure, Worker, WorkerExit } from '@solstice/workers/backends';
import type { RunnerAbilities, SessionControl, SessionOwner } from '@solstice/workers/sessions';
import { assignmentOf, laterBy, needsConditions, needsPolicies, type RunnerLimits } from './assignment.js';
import { type AttemptClocks, after, afterSteady, type LeaseView } from './attempt-clocks.js';
import { type AttemptEnd, AttemptEnding } from './attempt-ending.js';
import { finallyMsOf, HangClocks } from './hang-clocks.js';

export interface LiveAttemptDependencies {
  store: AttemptStore;
  logger: Logger;
  limits: RunnerLimits;
  clocks: AttemptClocks;
  lease: LeaseView;
  archive(commit: string): AsyncIterable<Uint8Array>;
  /** When this process got the claim, in monotonic milliseconds. */
  heldSinceMs: number;
}

/**
 * One attempt on this host: its worker, and its runner's session. Exactly one of these ends it, whichever comes first:
 * the runner's result, the worker's death, a cancel that the runner did not obey, the host's giving it up.
 */
export class LiveAttempt implements SessionOwner {
  durableSeq = 0;
  readonly stepNames: readonly string[];
  readonly #claim: Claim;
  readonly #worker: Worker;
  readonly #dependencies: LiveAttemptDependencies;
  readonly #logger: Logger;
  readonly #ending: AttemptEnding;
  /** Never twice at once: the worker is gone before its end is told, for then another may start. */
  readonly #exclusive: boolean;
  #control: SessionControl | undefined;
  #abilities: RunnerAbilities | undefined;
  readonly #hangs: HangClocks;
  #cancel: CancelWish | undefined;
  #started = false;
  /** Its runner has dialled this process. */
  #cameBack = false;
  /** What is known of the services of its job, if it has any. */
  #services: 'awaited' | 'ready' | ServiceFailure = 'awaited';

  constructor(
    claim: Claim,
    worker: Worker,
    dependencies: LiveAttemptDependencies,
    adopted: { started: boolean; durableSeq: number } | undefined,
  ) {
    this.#claim = claim;
    this.#worker = worker;
    this.#dependencies = dependencies;
    this.#exclusive = claim.job.exclusive === true;
    this.#logger = dependencies.logger.child({ attemptId: claim.fence.attemptId, workerId: claim.workerId });
    this.stepNames = stepsOf(claim.job).map((step) => step.name);
    this.#ending = new AttemptEnding({
      worker,
      store: dependencies.store,
      logger: this.#logger,
      dismiss: () => this.#control?.dismiss('the attempt is over'),
    });
    this.#hangs = new HangClocks(
      {
        claim,
        clocks: dependencies.clocks,
        lease: dependencies.lease,
        over: this.#ending.over,
        onHang: (result) => void this.#finish(result),
      },
      adopted !== undefined,
    );
    this.#started = adopted?.started ?? false;
    this.durableSeq = adopted?.durableSeq ?? 0;
    this.#watchWorker();
    this.#watchServices();
    if (this.#started) {
      this.#hangs.arm();
      this.#armReturnClock();
    } else this.#armBootClock();
  }

  get attemptId(): string {
    return this.#claim.fence.attemptId;
  }

  /** Settles when the attempt is over for this process; the worker is destroyed by then, unless it was left. */
  ended(): Promise<AttemptEnd> {
    return this.#ending.ended();
  }

  /** A cancel was committed. Repeating it does nothing. */
  cancel(cancel: CancelWish): void {
    if (this.#cancel || this.#ending.begun) return;
    this.#cancel = cancel;
    this.#logger.info({ by: cancel.by }, 'cancel requested');
    if (!this.#started) {
      void this.#finish(cancelledBy(cancel));
      return;
    }
    this.#control?.cancel(cancelText(cancel), cancel.deadline);
    after(this.#dependencies.clocks.cancelMs + finallyMsOf(this.#claim.job), this.#ending.over, () =>
      this.#finish(cancelledBy(cancel)),
    );
  }

  /** The store says that the attempt is no longer this host's. */
  fenced(): void {
    void this.#ending.end('fenced', async () => undefined, { killFirst: this.#exclusive });
  }

  /** The host gives it up, for others to take. */
  handBack(detail: string): void {
    void this.#lose(detail);
  }

  /** The host is cut off: the worker dies now, and the store hears of it when it can. */
  cutOff(detail: string): void {
    void this.#lose(detail, { killFirst: true });
  }

  /** Lets go without touching worker or store: the next process of this host adopts them. */
  leave(): void {
    this.#ending.leave();
  }

  // What the session server asks (SessionOwner).

  connected(control: SessionControl, runner: RunnerAbilities): void {
    this.#control = control;
    this.#cameBack = true;
    this.#abilities = runner;
    if (this.#exclusive && !runner.watchdog) {
      this.#logger.warn('the runner is too old to watch the lease; only this host kills its exclusive work in time');
    }
    if (this.#ending.settled) control.dismiss('the attempt is over');
    else {
      if (this.#cancel) control.cancel(cancelText(this.#cancel), this.#cancel.deadline);
      this.#tellServices();
    }
  }

  disconnected(): void {
    this.#control = undefined;
  }

  validForMs(): number | undefined {
    return this.#exclusive ? Math.max(0, this.#dependencies.lease.exclusiveLeftMs()) : undefined;
  }

  async assignment(): Promise<Assignment | undefined> {
    if (this.#ending.begun || this.#cancel) return undefined;
    const { policies, conditions } = this.#abilities ?? {};
    if ((policies === false && needsPolicies(this.#claim)) || (conditions === false && needsConditions(this.#claim))) {
      void this.#lose('its runner is of an older version, and cannot do what the job asks for');
      return undefined;
    }
    const outcome = await this.#ending.settle((store) => store.start(this.#claim.fence));
    if ('refused' in outcome) {
      // Cancelled between claim and start: the exchange with the store brings the cancel itself.
      this.#logger.info({ reason: outcome.reason }, 'no assignment is sent');
      return undefined;
    }
    this.#started = true;
    this.#hangs.arm();
    const { limits, heldSinceMs } = this.#dependencies;
    const claim = laterBy(performance.now() - heldSinceMs, this.#claim);
    return assignmentOf(claim, this.#worker.mirrorPath, limits, outcome.enclosing);
  }

  async record(records: RunnerRecord[]): Promise<{ durableSeq: number }> {
    // Not acknowledged: the runner says it again to the process that takes over.
    if (this.#ending.left) throw new Error('this process has let go of the attempt');
    const last = records.at(-1);
    const finished = last?.kind === 'job-finished' ? last : undefined;
    const rest = finished ? records.slice(0, -1) : records;
    this.#hangs.heard(rest);
    if (rest.length > 0) {
      const { durableSeq } = await this.#dependencies.store.record(this.#claim.fence, rest);
      this.durableSeq = durableSeq;
    }
    if (finished) {
      const end = await this.#finish(this.#withCancel(finished.result), 'by-itself');
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

  #watchServices(): void {
    const services = this.#claim.job.services ?? [];
    if (services.length === 0) return;
    const events = {
      onReady: () => {
        this.#services = 'ready';
        this.#tellServices();
      },
      onFailed: (failure: ServiceFailure) => {
        // An end counts whenever it is told, and the runner keeps the first that counts: it may take the place of `not ready`.
        this.#services = failure;
        this.#logger.info({ service: failure.name, reason: failure.detail }, 'a service of the job failed');
        this.#tellServices();
      },
    };
    this.#worker.watchServices(services, events, this.#ending.over);
  }

  /** The runner ends the job by it, and tidies up; said again on each new stream. */
  #tellServices(): void {
    if (this.#services === 'awaited' || this.#ending.begun) return;
    if (this.#services === 'ready') this.#control?.servicesReady();
    else this.#control?.serviceFailed(this.#services);
  }

  async #workerEnded(exit: WorkerExit): Promise<void> {
    if (this.#ending.begun) return;
    if (this.#cancel) {
      await this.#finish(cancelledBy(this.#cancel));
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
    return this.#cancel && result.cause?.kind === 'cancelled' ? { ...result, ...cancelledBy(this.#cancel) } : result;
  }

  #finish(result: AttemptResult, runner: 'by-itself' | 'dismiss' = 'dismiss'): Promise<AttemptEnd> {
    // A runner that has said its last word has nothing running any more.
    const killFirst = this.#exclusive && runner === 'dismiss';
    return this.#ending.end('finished', (store) => store.finish(this.#claim.fence, result), { runner, killFirst });
  }

  async #lose(detail: string, { killFirst = this.#exclusive }: { killFirst?: boolean } = {}): Promise<void> {
    await this.#ending.end('lost', (store) => store.lose(this.#claim.fence, detail), { killFirst });
  }

  // Clocks.

  #armBootClock(): void {
    const { lease, clocks } = this.#dependencies;
    const { bootMs } = clocks;
    afterSteady(bootMs, bootMs, lease, this.#ending.over, () =>
      this.#started ? undefined : this.#lose(`its runner said nothing within ${bootMs / 1000} s`),
    );
  }

  /** Of a worker that was taken over: nothing else would tell that its runner hangs, where its job has no clocks. */
  #armReturnClock(): void {
    const { lease, clocks } = this.#dependencies;
    const { returnMs } = clocks;
    afterSteady(returnMs, returnMs, lease, this.#ending.over, () =>
      this.#cameBack
        ? undefined
        : this.#lose(`its runner did not come back within ${returnMs / 1000} s after its host had taken it over`),
    );
  }
}

/** The end of what nobody ends but the host itself. */
export function cancelledBy({ by, reason }: CancelWish): AttemptResult {
  return { state: 'cancelled', cause: { kind: 'cancelled', by, ...(reason !== undefined && { reason }) } };
}

/** Why the job ends, for its log. */
function cancelText({ by, reason }: CancelWish): string {
  return reason ?? `cancelled by ${by}`;
}
