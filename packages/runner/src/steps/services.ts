import { toReason } from '@solstice/common/rpc';

/** Why one of the containers beside the worker cannot do what it is there for. */
export interface ServiceFailure {
  name: string;
  /** A sentence without the name: `was not ready within 1 min`. */
  detail: string;
  /** Its last lines. */
  output: readonly string[];
  /** False: it did not become ready, which says nothing once steps run. */
  ended: boolean;
}

/** Of what it printed so much goes into the reason of the job; all of it is in the log. */
const REASON_CHARACTERS_MAX = 1_000;

export function describeFailure({ name, detail, output }: ServiceFailure): { name: string; detail: string } {
  const last = output.join('\n').slice(-REASON_CHARACTERS_MAX).trim();
  // What a service prints has no limits; and the reason becomes a variable of `finally`, and a record that has to be taken.
  return { name, detail: toReason(last === '' ? detail : `${detail}: ${last}`) };
}

/** What the orchestrator says of the containers beside the worker, whenever it does: also before there is a job to hear it. */
export class Services {
  #isReady = false;
  #failure: ServiceFailure | undefined;
  #settle: () => void = () => undefined;
  #onEnd: ((failure: ServiceFailure) => void) | undefined;

  /** Repeating it does nothing. */
  ready(): void {
    this.#isReady = true;
    this.#settle();
  }

  /** The first one counts. */
  failed(failure: ServiceFailure): void {
    const stepsRun = this.#onEnd !== undefined;
    if (this.#failure !== undefined || (stepsRun && !failure.ended)) return;
    this.#failure = failure;
    this.#settle();
    this.#onEnd?.(failure);
  }

  /** Gives what failed; undefined: all are ready, or it was aborted. */
  async untilReady(signal: AbortSignal): Promise<ServiceFailure | undefined> {
    if (!this.#isReady && this.#failure === undefined && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#settle = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    return this.#failure;
  }

  /** The steps begin: from now on only a service's end counts, and it is told at once. */
  onEnd(listener: (failure: ServiceFailure) => void): void {
    this.#onEnd = listener;
  }
}
