import type { WallClock } from '@solstice/common/clock';
import type { ForgeKind } from '@solstice/common/config';
import type { RequestKey, Store } from '@solstice/common/store';
import type { Logger, Tracing } from '@solstice/common/telemetry';
import type { DoctorItem } from './schemas.js';

/** What the run pages ask of the process that they live in. */
export interface RunPageDeps {
  store: Store;
  logger: Logger;
  clock: WallClock;
  /** Why this process takes no new work now (it is starting or stopping); undefined: it is ready. */
  notReady?: () => string | undefined;
}

/** What the operator API asks of it. */
export interface OperatorApiDeps {
  store: Store;
  logger: Logger;
  clock: WallClock;
  version: string;
  startedAt: Date;
  /** What links to run pages begin with; no slash at the end. Asked each time: the port may be known only after listening. */
  publicUrl: () => string;
  /** SHA-256 of the operator's token. */
  operatorTokenHash: Uint8Array;
  /** Who is in which team, by the settings. */
  teams: readonly { name: string; members: readonly string[] }[];
  /** The forges of the settings. */
  forges: readonly ForgePort[];
  /** Webhooks without a signature are let in (`--dev`): a repository may then be added without a secret. */
  dev: boolean;
  sealSecret: (secret: string) => Uint8Array;
  /** For runs that are made here: a run's id, a UUID, and the key of its page, which nobody can guess. */
  ids: { runId(): string; pageKey(): string };
  /**
   * Plans runs as a push of that commit would. Rejects with a SolsticeError (`not-found`: no such ref, commit or
   * workflow; `source-unavailable`, `forge-unavailable`: retryable).
   */
  trigger: (request: TriggerRequest) => Promise<TriggerOutcome>;
  doctor: () => Promise<DoctorItem[]>;
  /** Absent: nothing is traced. */
  tracing?: Tracing;
}

export interface ForgePort {
  id: string;
  kind: ForgeKind;
  /** Where it sends its webhooks, e.g. `https://ci.example/webhooks/code`. */
  webhookUrl: () => string;
  /** Made from the forge's address; undefined: it has to be told (a plain git forge). */
  cloneUrl: (repositoryName: string) => string | undefined;
  /** Words for a person: where the forge's own webhook secret is set. Undefined: it has none. Never the secret. */
  webhookSecretPlace: string | undefined;
}

export interface TriggerRequest {
  repositoryId: string;
  /** `refs/heads/main`, or short: `main`. Absent: the default branch. */
  ref: string | undefined;
  /** Whole; absent: the ref's newest. */
  commit: string | undefined;
  /** Only the workflow with this name. */
  workflow: string | undefined;
  /** Of that workflow, by name. */
  inputs: Readonly<Record<string, string>> | undefined;
  actor: string;
  /** The same request again gives what the first one made. Absent: each one plans. */
  requestKey: RequestKey | undefined;
}

export interface TriggerOutcome {
  runs: { id: string; number: number; pageKey: string }[];
  /** Why there is no run, when there is none. */
  reason?: string;
}
