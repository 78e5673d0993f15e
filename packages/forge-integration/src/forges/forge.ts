import type { ForgeKind, Secret } from '@solstice/common/config';
import type { ForgeEvent, Person, RepositoryRef } from '@solstice/common/forge';
import type { CheckState } from '@solstice/common/store';
import type { Diagnostic } from '@solstice/common/workflow';

/** HTTP headers by lower-case name, as Node gives them. */
export type WebhookHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** What of our repository row an adapter needs. */
export interface ForgeRepository {
  /** `owner/name`, or `name` for a plain git forge. */
  name: string;
  /** git: a path or an address. The others go through their API and don't need it. */
  cloneUrl: string;
}

/** What a delivery means. */
export type NormalisedDelivery =
  | { kind: 'event'; event: ForgeEvent }
  /** Authentic and understood, but nothing follows from it. `repository` is absent where the forge names none. */
  | { kind: 'ignored'; reason: string; repository: RepositoryRef | undefined }
  /** Not what this forge sends for this event. */
  | { kind: 'malformed'; reason: string };

/** What one commit has that another has not. */
export interface Comparison {
  /** Commits that lead to `head` and not to `base`; 0: `head` is part of `base`. */
  ahead: number;
  /** The same the other way round, where the forge says it. */
  behind: number | undefined;
  /** What differs between their merge base and `head`, from the root, old names of what was renamed among them. */
  files: { kind: 'all'; paths: string[] } | { kind: 'incomplete'; reason: string };
}

/** A pull request as the forge has it now. */
export interface PullRequest {
  number: number;
  open: boolean;
  /** `forgeRepositoryId` is absent when the repository that it came from is gone. */
  head: { forgeRepositoryId: string | undefined; branch: string; commit: string };
  base: { branch: string; commit: string };
  title: string | undefined;
}

/** What a forge with pull requests can be asked; under the same rules as Forge. */
export interface PullRequests {
  /** Undefined: there is none of that number. */
  find(repository: ForgeRepository, number: number, signal: AbortSignal): Promise<PullRequest | undefined>;
  /**
   * May this person push to the repository? The name and, where it is known, the id have to be those of the same
   * person. Rejects with `refused` when the token may not ask that.
   */
  mayWrite(repository: ForgeRepository, person: Person, signal: AbortSignal): Promise<boolean>;
}

/** A `.solstice/*.kdl` file at a commit: its text, or why it can't be read as one. */
export type WorkflowFile = { path: string; text: string } | { path: string; diagnostic: Diagnostic };

/**
 * One configured forge. Any number of calls may run at once. The first four are pure: no I/O, no clock, and they
 * throw for no input whatever. The others do I/O, end when `signal` is aborted, retry nothing by themselves, and
 * reject with ForgeError only:
 *  - `unavailable`: later may help (5xx, 429, rate limit, network, timeout); `retryAfterMs` when the forge said when;
 *  - `refused`: a person must mend something (token, right, address);
 *  - `commit-gone`: the forge answers, and it has no such commit.
 */
export interface Forge {
  readonly id: string;
  readonly kind: ForgeKind;
  /** The forge's own; a repository's own counts in its place. */
  readonly webhookSecret: Secret | undefined;

  /** The forge's id of the delivery, the same when it is sent again. */
  deliveryId(headers: WebhookHeaders): string | undefined;
  eventName(headers: WebhookHeaders): string | undefined;
  /**
   * For each secret: is the signature in the headers made with it, over exactly these bytes? Every secret is tried
   * and every comparison takes the same time. A missing or empty signature, and an empty secret, match nothing.
   */
  verify(headers: WebhookHeaders, rawBody: Uint8Array, secrets: readonly Secret[]): boolean[];
  /** `body` is parsed JSON of any shape. */
  normalise(headers: WebhookHeaders, body: unknown): NormalisedDelivery;

  /**
   * The workflow files at the commit (also one that no branch leads to any more), sorted by path. Empty: the commit
   * has none. More than 32 files: one refused entry for the directory. Never reads more than 256 KiB of a file.
   */
  readWorkflowFiles(repository: ForgeRepository, commit: string, signal: AbortSignal): Promise<WorkflowFile[]>;
  /**
   * The full name of the default branch's ref; undefined: the repository is empty. Rejects with `refused` where the
   * forge has no such repository, or the token may not see it, which forges do not tell apart.
   */
  defaultRef(repository: ForgeRepository, signal: AbortSignal): Promise<string | undefined>;
  /**
   * The commit that a full ref name (`refs/heads/main`) leads to now; undefined: the repository can be seen, and has no
   * such ref. Rejects as for `defaultRef`.
   */
  resolveRef(repository: ForgeRepository, ref: string, signal: AbortSignal): Promise<string | undefined>;
  /**
   * What `head` has that `base` has not; both are whole commit ids. Undefined: one of them is not there (any more), or
   * they have nothing in common.
   */
  compare(
    repository: ForgeRepository,
    base: string,
    head: string,
    signal: AbortSignal,
  ): Promise<Comparison | undefined>;
  /** Undefined: this forge has no pull requests. */
  readonly pullRequests: PullRequests | undefined;
  /** Shows the state for (commit, context); the same again is harmless. After a rejection it may have been shown. */
  reportCheck(
    repository: ForgeRepository,
    commit: string,
    context: string,
    state: CheckState,
    targetUrl: string | undefined,
    signal: AbortSignal,
  ): Promise<void>;
}

/** The value of a header that must come once; undefined when it is absent, empty or doubled. */
export function singleHeader(headers: WebhookHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
