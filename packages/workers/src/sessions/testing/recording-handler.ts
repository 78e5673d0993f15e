import { createHash } from 'node:crypto';
import { SolsticeError } from '@solstice/common/errors';
import type { AttemptResult } from '@solstice/common/flow';
import { type Assignment, type Limits, type Step, StepKind } from '@solstice/common/rpc';
import type { RunnerRecord } from '@solstice/common/store';
import type { RunnerAbilities, SessionControl, SessionHandler, SessionOwner } from '../session-handler.js';

export const mebibyte = 1024 * 1024;

export const generousLimits: Limits = {
  logBytes: BigInt(100 * mebibyte),
  spoolBytes: BigInt(64 * mebibyte),
  cancelGraceMs: 2_000n,
  aftermathMs: 0n,
};

/** A job of shell steps; what is not named is left out. */
export function assignmentOf(scripts: readonly (string | Partial<Step>)[], more: Partial<Assignment> = {}): Assignment {
  return {
    runId: 'run',
    attemptId: 'run/job/1',
    jobId: 'job',
    jobName: 'job',
    env: {},
    timeoutMs: 0n,
    source: undefined,
    limits: generousLimits,
    notes: [],
    exclusive: false,
    silenceMs: 0n,
    deadlineMs: 0n,
    deadlineLimitMs: 0n,
    outputs: [],
    conditionContext: '',
    changed: {},
    services: [],
    enclosingDeadline: undefined,
    steps: scripts.map((script, index) => ({
      index,
      name: `step ${index + 1}`,
      env: {},
      timeoutMs: 0n,
      kind: StepKind.STEP_KIND_UNSPECIFIED,
      silenceMs: 0n,
      allowFailure: false,
      when: '',
      deadlineMs: 0n,
      deadlineLimitMs: 0n,
      ...(typeof script === 'string' ? { action: { $case: 'run', value: script } } : { action: undefined, ...script }),
    })),
    ...more,
  };
}

/**
 * One worker's owner and its whole store, in memory: it outlives session servers as a database would. It fails
 * loudly when the server breaks the contract of SessionOwner, and can be told to be slow, to forget its answers, to
 * be fenced off.
 */
export class RecordingHandler implements SessionHandler {
  readonly workerId = 'worker-1';
  readonly token = Buffer.alloc(32, 7);
  readonly records: RunnerRecord[] = [];
  readonly batches: number[] = [];
  opens = 0;
  assignments = 0;
  fenced = false;
  /** Resolves before each batch counts as stored. */
  gate: () => Promise<void> = async () => {};
  /** Stored, but the answer is lost: the stream breaks instead. */
  loseAnswers = 0;
  /** Of exclusive work, with each ping. */
  validForMs = 0;
  /** How often that was asked for. */
  validitiesAsked = 0;
  archive: () => AsyncIterable<Uint8Array> = async function* () {};
  control: SessionControl | undefined;
  runner: RunnerAbilities | undefined;
  readonly #assignment: Assignment;
  #sessionHash: string | undefined;
  #recording = false;
  violations: string[] = [];

  constructor(assignment: Assignment) {
    this.#assignment = assignment;
  }

  get durableSeq(): number {
    return this.records.length;
  }

  async open(hello: { workerId: string; tokenHash: Uint8Array; sessionHash: Uint8Array }) {
    this.opens += 1;
    const expected = createHash('sha256').update(this.token).digest('hex');
    if (hello.workerId !== this.workerId || Buffer.from(hello.tokenHash).toString('hex') !== expected) return undefined;
    const sessionHash = Buffer.from(hello.sessionHash).toString('hex');
    this.#sessionHash ??= sessionHash;
    return this.#sessionHash === sessionHash ? this.#owner() : undefined;
  }

  /** The bytes that a step printed on one stream, all in one. */
  output(step: number, stream: 'stdout' | 'stderr' | 'system' = 'stdout'): Buffer {
    return Buffer.concat(
      this.records.flatMap((record) =>
        record.kind === 'log' && record.step === step && record.stream === stream ? [record.data] : [],
      ),
    );
  }

  get system(): string {
    const said = this.records.flatMap((r) => (r.kind === 'log' && r.stream === 'system' ? [r.data] : []));
    return Buffer.concat(said).toString();
  }

  get result(): AttemptResult | undefined {
    const last = this.records.at(-1);
    return last?.kind === 'job-finished' ? last.result : undefined;
  }

  stepResults(): { step: number; result: AttemptResult; exitCode?: number; signal?: string }[] {
    return this.records.flatMap((record) => {
      if (record.kind !== 'step-finished') return [];
      const { seq, at, kind, ...rest } = record;
      return [rest];
    });
  }

  #owner(): SessionOwner {
    const handler = this;
    let connected = false;
    return {
      get durableSeq() {
        if (handler.#recording) handler.violations.push('durableSeq was read while a batch was being stored');
        return handler.durableSeq;
      },
      stepNames: this.#assignment.steps.map((step) => step.name),
      assignment: async () => {
        this.assignments += 1;
        return this.fenced ? undefined : this.#assignment;
      },
      record: (records) => this.#record(records),
      source: () => this.archive(),
      validForMs: () => {
        if (!this.#assignment.exclusive) return undefined;
        this.validitiesAsked += 1;
        return this.validForMs;
      },
      connected: (control, runner) => {
        if (this.control !== undefined) this.violations.push('connected before the last one was disconnected');
        connected = true;
        this.control = control;
        this.runner = runner;
      },
      disconnected: () => {
        if (!connected) this.violations.push('disconnected without connected');
        connected = false;
        this.control = undefined;
      },
    };
  }

  async #record(records: RunnerRecord[]): Promise<{ durableSeq: number }> {
    if (this.#recording) this.violations.push('two batches at once');
    this.#recording = true;
    try {
      await this.gate();
      if (this.fenced) throw new SolsticeError('fence-lost', 'the attempt was taken');
      for (const record of records) {
        if (record.seq <= this.durableSeq) continue;
        if (record.seq !== this.durableSeq + 1) throw new SolsticeError('record-gap', `gap before ${record.seq}`);
        this.records.push(record);
      }
      this.batches.push(records.length);
      if (this.loseAnswers > 0) {
        this.loseAnswers -= 1;
        throw new Error('the connection to the database broke');
      }
      return { durableSeq: this.durableSeq };
    } finally {
      this.#recording = false;
    }
  }
}
