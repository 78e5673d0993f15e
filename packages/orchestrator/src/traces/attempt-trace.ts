import type { AttemptResult } from '@solstice/common/flow';
import type { Claim, RunnerRecord } from '@solstice/common/store';
import { type Attributes, type Span, sourceAttributes, type Tracing, taskResultOf } from '@solstice/common/telemetry';

type StepFinished = Extract<RunnerRecord, { kind: 'step-finished' }>;

/**
 * The spans of one attempt. That of the attempt itself is known by the attempt's id, so that the process that adopts
 * the worker ends what another one began; its children are sent as they end.
 */
export class AttemptTrace {
  readonly #tracing: Tracing;
  readonly #claim: Claim;
  readonly #span: Span;
  readonly #stepsBegan = new Map<number, Date>();

  constructor(tracing: Tracing, claim: Claim) {
    this.#tracing = tracing;
    this.#claim = claim;
    const { job, fence, workerId, pool, trace } = claim;
    this.#span = tracing.span('attempt', {
      parent: trace,
      startAt: claim.claimedAt,
      key: `attempt ${fence.attemptId}`,
      attributes: {
        ...this.#pipeline(),
        ...sourceAttributes(claim.source),
        'cicd.pipeline.task.name': job.name,
        'cicd.pipeline.task.run.id': fence.attemptId,
        'cicd.worker.id': workerId,
        'solstice.host': fence.hostId,
        'solstice.pool': pool.name,
        'solstice.backend': pool.backend,
        'solstice.attempt.number': claim.attemptNumber,
      },
    });
  }

  get workerId(): string {
    return this.#claim.workerId;
  }

  /** The time from its being queued to the claim: the same for every process, so told by the one that claimed. */
  queued(): void {
    const { trace, queuedAt, claimedAt, job, fence, pool } = this.#claim;
    this.#tracing
      .span('queue', {
        parent: trace,
        startAt: queuedAt,
        key: `queue ${fence.attemptId}`,
        attributes: {
          ...this.#pipeline(),
          'cicd.pipeline.task.name': job.name,
          'cicd.pipeline.task.run.id': fence.attemptId,
          'solstice.pool': pool.name,
        },
      })
      .end({ at: claimedAt });
  }

  /** The making of its worker begins; ended by the caller. */
  provision(backend: string): Span {
    const attributes = { 'cicd.worker.id': this.#claim.workerId, 'solstice.backend': backend };
    return this.#tracing.span('provision', { parent: this.#span.context, attributes });
  }

  stepStarted(step: number, at: Date): void {
    this.#stepsBegan.set(step, at);
  }

  /** When the runner began with it, as this process has heard; undefined: another one did. */
  stepBegan(step: number): Date | undefined {
    return this.#stepsBegan.get(step);
  }

  stepFinished(record: StepFinished, startAt: Date): void {
    const { step, result, exitCode, signal } = record;
    const state = result.state;
    this.#tracing
      .span('step', {
        parent: this.#span.context,
        startAt,
        key: `step ${this.#claim.fence.attemptId} ${step}`,
        attributes: {
          ...this.#pipeline(),
          'cicd.pipeline.task.name': this.#claim.job.steps[step]?.name,
          'cicd.pipeline.task.run.id': `${this.#claim.fence.attemptId}/${step + 1}`,
          'cicd.pipeline.task.run.result': taskResultOf(state),
          'process.exit.code': exitCode,
          'solstice.signal': signal,
        },
      })
      .end({ at: record.at, errorType: errorTypeOf(state, result.cause?.kind) });
  }

  /** However it ended: the result of its runner, or `lost`, `refused`. */
  ended(state: AttemptResult['state'] | 'lost' | 'refused', causeKind: string | undefined): void {
    this.#span.end({
      attributes: { 'cicd.pipeline.task.run.result': taskResultOf(state) },
      errorType: errorTypeOf(state, causeKind),
    });
  }

  #pipeline(): Attributes {
    const { workflow, runId, runNumber } = this.#claim;
    return { 'cicd.pipeline.name': workflow, 'cicd.pipeline.run.id': runId, 'solstice.run.number': runNumber };
  }
}

/** A kind of cause: few words, none of them the user's. A cancel is no error. */
function errorTypeOf(state: string, causeKind: string | undefined): string | undefined {
  return state === 'succeeded' || state === 'cancelled' ? undefined : (causeKind ?? state);
}
