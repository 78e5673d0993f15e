import { z } from 'zod';

/** Why no other attempt follows what the steps did, where `retry` would have one more. */
const notAgain = z.string().optional();

/** Why an attempt, a node or a run ended as it did. `succeeded` has none. */
export const causeSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    ...{ kind: z.literal('exit'), step: z.number().int(), stepName: z.string(), exitCode: z.number().int() },
    notAgain,
  }),
  z.strictObject({
    ...{ kind: z.literal('signal'), step: z.number().int(), stepName: z.string(), signal: z.string() },
    notAgain,
  }),
  z.strictObject({
    kind: z.literal('clock'),
    /**
     * `deadline`: of all attempts together. `queue`: of the wait for a host. `silence`: without a word, of job or step.
     * `workflow`, `branch`: the deadline of what the node stands in. `gate`: nobody decided.
     */
    clock: z.enum([
      'job',
      'step',
      'deadline',
      'queue',
      'silence',
      'step-silence',
      'step-deadline',
      'workflow',
      'branch',
      'gate',
    ]),
    limitMs: z.number(),
    step: z.number().int().optional(),
    stepName: z.string().optional(),
    notAgain,
  }),
  /** A step said so itself, with `solstice fail`. */
  z.strictObject({ kind: z.literal('user'), reason: z.string(), notAgain }),
  /** The steps succeeded, but a file that should become an output is not there, or cannot be one. */
  z.strictObject({ kind: z.literal('output'), detail: z.string(), notAgain }),
  z.strictObject({ kind: z.literal('out-of-memory'), notAgain }),
  z.strictObject({ kind: z.literal('source'), detail: z.string(), notAgain }),
  z.strictObject({
    ...{ kind: z.literal('cannot-start'), step: z.number().int(), stepName: z.string(), detail: z.string() },
    notAgain,
  }),
  z.strictObject({ kind: z.literal('cancelled'), by: z.string(), reason: z.string().optional() }),
  /** The host, the lease or the worker is gone. */
  z.strictObject({ kind: z.literal('lost'), hostId: z.string().optional(), detail: z.string() }),
  /** The worker could not be made. */
  z.strictObject({
    kind: z.literal('refused'),
    hostId: z.string().optional(),
    detail: z.string(),
    /** Where it is known. `unreachable`: what makes workers there does not answer. */
    problem: z.enum(['no-image', 'no-capacity', 'unreachable']).optional(),
  }),
  /** A service of the job did not become ready, or ended. */
  z.strictObject({ kind: z.literal('service'), name: z.string(), detail: z.string(), notAgain }),
  /** Of a gate. */
  z.strictObject({ kind: z.literal('rejected'), by: z.string(), reason: z.string().optional() }),
  /** An expression that could not be judged: a division by nothing, a number too large. */
  z.strictObject({ kind: z.literal('expression'), detail: z.string() }),
  /** A text of the node that reads what others gave came to nothing that could be used. Whole, with its place. */
  z.strictObject({ kind: z.literal('text'), detail: z.string() }),
  /** A newer run of its concurrency group came. */
  z.strictObject({ kind: z.literal('superseded'), runId: z.string() }),
  /** The run goes on in another installation. */
  z.strictObject({ kind: z.literal('exported'), by: z.string() }),
  /** A node that did not start because of these nodes, or a run that failed by them. */
  z.strictObject({ kind: z.literal('nodes'), nodes: z.array(z.string()) }),
  /** A node that was not asked for: what it is there for did not come about. Nothing else is held up by it. */
  z.strictObject({ kind: z.literal('condition'), detail: z.string() }),
]);

export type Cause = z.infer<typeof causeSchema>;

/** What kept a worker from being made, where it is known. */
export type WorkerProblem = NonNullable<Extract<Cause, { kind: 'refused' }>['problem']>;

/** What a runner, or the orchestrator in its place, says of the end of an attempt. */
export const attemptResultSchema = z.strictObject({
  state: z.enum(['succeeded', 'failed', 'timed_out', 'cancelled']),
  cause: causeSchema.optional(),
  /** What the job hands on, by name. */
  outputs: z.record(z.string(), z.string()).optional(),
  /** Not to be tried again, whatever the workflow says. */
  final: z.literal(true).optional(),
});
export type AttemptResult = z.infer<typeof attemptResultSchema>;
