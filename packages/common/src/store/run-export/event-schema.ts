import { z } from 'zod';
import { causeSchema, type EndingReason, type FlowEvent, runSpecSchema } from '../../flow/index.js';

/** Names and ids: what becomes text of the database, where no zero byte can be. */
export const text = z.string().regex(/^[^\0\p{Surrogate}]*$/u, 'has characters that no name has');
/** Unix milliseconds, until the year 9999. */
const at = z.number().int().min(0).max(253_402_300_799_999);
const outputs = z.record(z.string(), z.string());
const attemptState = z.enum(['succeeded', 'failed', 'timed_out', 'cancelled', 'lost', 'refused']);
const nodeState = z.enum(['succeeded', 'failed', 'timed_out', 'cancelled', 'skipped']);
const runState = z.enum(['succeeded', 'failed', 'cancelled', 'superseded']);
/** What each reason has beside its kind. One that is missing here does not compile. */
const reasons = {
  superseded: { runId: text },
  deadline: { limitMs: z.number() },
  branch: { branchId: text, limitMs: z.number() },
  exported: {},
} satisfies Record<EndingReason['kind'], z.ZodRawShape>;
const reasonSchemas = Object.entries(reasons).map(([kind, body]) => z.strictObject({ kind: z.literal(kind), ...body }));
type ReasonSchema = (typeof reasonSchemas)[number];
const because = z.discriminatedUnion('kind', reasonSchemas as [ReasonSchema, ...ReasonSchema[]]);
const decision = z.strictObject({
  by: z.string(),
  verdict: z.enum(['approve', 'reject']),
  inputs: z.record(z.string(), z.string()),
  reason: z.string().optional(),
  requestId: z.string(),
  at,
});
const reused = z.strictObject({
  runId: z.uuid(),
  state: nodeState,
  cause: causeSchema.optional(),
  outputs: outputs.optional(),
  tolerated: z.literal(true).optional(),
  decisions: z.array(decision).optional(),
});
const who = { by: z.string(), reason: z.string().optional() };
const ofNode = { nodeId: text };
const ofAttempt = { attemptId: text };

/** What each kind of event has beside `seq`, `at` and `kind`. One that is missing here does not compile. */
const bodies = {
  'run.planned': {
    runId: z.uuid(),
    spec: runSpecSchema,
    rerun: z
      .strictObject({ of: z.uuid(), generation: z.number().int().positive().max(1_000_000), by: text })
      .optional(),
    reused: z.record(z.string(), reused).optional(),
    held: z.literal(true).optional(),
  },
  'run.admitted': {},
  'run.started': {},
  'run.cancel-requested': { ...who, because: because.optional() },
  'run.ended': { state: runState, cause: causeSchema.optional() },
  'node.readied': { ...ofNode, texts: z.array(z.string()).optional() },
  'node.started': ofNode,
  'gate.decided': { ...ofNode, decision },
  'node.ended': {
    ...ofNode,
    state: nodeState,
    cause: causeSchema.optional(),
    outputs: outputs.optional(),
    tolerated: z.literal(true).optional(),
  },
  'attempt.queued': {
    ...ofAttempt,
    ...ofNode,
    number: z.number().int().positive().max(1_000_000),
    pool: text,
    notBefore: at,
    avoidHosts: z.array(text),
  },
  'attempt.due': ofAttempt,
  'attempt.claimed': { ...ofAttempt, hostId: text, workerId: text, requestId: text },
  'attempt.started': ofAttempt,
  'attempt.cancel-requested': { ...ofAttempt, ...who, because: because.optional() },
  'attempt.ended': { ...ofAttempt, state: attemptState, cause: causeSchema.optional() },
} satisfies Record<FlowEvent['kind'], z.ZodRawShape>;

const kinds = Object.entries(bodies).map(([kind, body]) =>
  z.strictObject({ seq: z.number().int().positive(), at, kind: z.literal(kind), ...body }),
);
type EventSchema = (typeof kinds)[number];

/** An event as it comes from a file that anybody may have edited. What it means is `evolve`'s to judge. */
export const flowEventSchema = z.discriminatedUnion('kind', kinds as [EventSchema, ...EventSchema[]]);
