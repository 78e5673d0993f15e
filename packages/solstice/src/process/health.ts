import { toError } from '@solstice/common/errors';
import type { PartHealth } from '@solstice/common/loops';

export interface PartReport extends PartHealth {
  /** Without it the process is not ready. Else it is only slower: the detail says how. */
  needed: boolean;
}

export interface Readiness {
  /** `degraded` is ready: the work is done, only later than it could be. */
  status: 'ready' | 'degraded' | 'not ready';
  /** Of the process as a whole, as a sentence; undefined while it is there to work. */
  reason: string | undefined;
  parts: Record<string, PartReport>;
}

interface Part {
  needed: boolean;
  look: () => PartHealth | Promise<PartHealth>;
}

/** A part that does not answer within this is taken for one that is not well. */
const LOOK_TIMEOUT_MS = 2_000;

/**
 * What this process knows of itself, asked each time anew. Live: nothing in it has crashed, so that starting it again
 * would not help. Ready: every part that it cannot do without says that it works.
 */
export class Health {
  readonly #parts = new Map<string, Part>();
  #reason: string | undefined = 'starting';
  #crash: string | undefined;

  /** `needed` false: told, but no reason to send nobody here. */
  add(name: string, part: Part): void {
    this.#parts.set(name, part);
  }

  /** What it is just doing, while it starts. */
  starting(what: string): void {
    if (this.#reason !== undefined && this.#reason !== 'stopping') this.#reason = `starting: ${what}`;
  }

  started(): void {
    if (this.#reason !== 'stopping') this.#reason = undefined;
  }

  /** For good. */
  stopping(): void {
    this.#reason = 'stopping';
  }

  /** A part ended that must not end. */
  crashed(part: string, error: Error): void {
    this.#crash ??= `${part} crashed: ${error.message}`;
  }

  /** Why this process takes no work, as far as it knows without asking anyone; undefined: it does. */
  notReady(): string | undefined {
    return this.#crash ?? this.#reason;
  }

  /** Undefined: it lives. Else what has died in it. */
  dead(): string | undefined {
    return this.#crash;
  }

  async readiness(): Promise<Readiness> {
    const reports = await Promise.all(
      [...this.#parts].map(async ([name, part]) => [name, await lookAt(part)] as const),
    );
    const parts = Object.fromEntries(reports);
    const failing = Object.values(parts).filter(({ ok }) => !ok);
    const reason = this.notReady();
    if (reason !== undefined || failing.some(({ needed }) => needed)) return { status: 'not ready', reason, parts };
    return { status: failing.length > 0 ? 'degraded' : 'ready', reason, parts };
  }
}

async function lookAt({ needed, look }: Part): Promise<PartReport> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<PartHealth>((resolve) => {
    timer = setTimeout(() => resolve({ ok: false, detail: `no answer within ${LOOK_TIMEOUT_MS} ms` }), LOOK_TIMEOUT_MS);
  });
  try {
    const { ok, detail } = await Promise.race([Promise.resolve().then(look), late]);
    return { ok, needed, detail };
  } catch (error) {
    return { ok: false, needed, detail: toError(error).message };
  } finally {
    clearTimeout(timer);
  }
}
