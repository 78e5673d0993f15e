import { causeSchema } from '@solstice/common/flow';
import { z } from 'zod';
import { instant } from './instant.js';
import { scheduleReadingSchema } from './schedules/schedule-view.js';

/**
 * What the operator API answers, in one place: the server builds these, the client checks them, and a description
 * for others (OpenAPI) can be made from them. Instants are ISO 8601 in UTC; what is unknown is left out.
 * Answers are read leniently, so that a newer server may say more.
 */

export const sourceSchema = z.object({
  forge: z.string(),
  repository: z.string(),
  repositoryId: z.string(),
  ref: z.string(),
  /** Short, when the ref is a branch. */
  branch: z.string().optional(),
  commit: z.string(),
  before: z.string().optional(),
  /** First line of the commit's message. */
  title: z.string().optional(),
});

/** The cause in one word: those there are stand in the engine's `errorKinds`; a newer server may know more. */
const errorKindSchema = z.string().optional();

export const cancelSchema = z.object({ by: z.string(), reason: z.string().optional(), at: instant });

export const runStateSchema = z.enum([
  'blocked',
  'queued',
  'running',
  'succeeded',
  'failed',
  'cancelled',
  'superseded',
]);
export const nodeKindSchema = z.enum(['job', 'wait', 'branch', 'gate']);
export const nodeStateSchema = z.enum([
  'waiting',
  'ready',
  'running',
  'succeeded',
  'failed',
  'timed_out',
  'cancelled',
  'skipped',
]);
export const attemptStateSchema = z.enum([
  'queued',
  'claimed',
  'running',
  'succeeded',
  'failed',
  'timed_out',
  'cancelled',
  'lost',
  'refused',
]);

export const runSummarySchema = z.object({
  id: z.string(),
  number: z.number().int(),
  workflow: z.string(),
  state: runStateSchema,
  cause: causeSchema.optional(),
  errorKind: errorKindSchema,
  /** The cause as a sentence. */
  causeText: z.string().optional(),
  source: sourceSchema,
  trigger: z.object({ event: z.string(), actor: z.string() }),
  /** Of the run page. */
  url: z.string(),
  deliveryId: z.string().optional(),
  cancelRequested: cancelSchema.optional(),
  /** It does another run again, named by its id and, where it is here, its number; `generation` counts from 1. */
  rerun: z
    .object({ of: z.string(), number: z.number().int().optional(), generation: z.number().int(), by: z.string() })
    .optional(),
  /** It waits for its turn in its concurrency group. */
  held: z.literal(true).optional(),
  /** Where it was asked for: what it waits for that is no host. Without a node, the run itself waits. */
  waits: z
    .array(z.object({ kind: z.string(), nodeId: z.string().optional(), text: z.string(), until: instant.optional() }))
    .optional(),
  createdAt: instant,
  startedAt: instant.optional(),
  endedAt: instant.optional(),
});

export const stepSchema = z.object({
  /** Counted from 0. */
  index: z.number().int(),
  name: z.string(),
  state: z.enum(['waiting', 'running', 'succeeded', 'failed', 'timed_out', 'cancelled', 'skipped']),
  exitCode: z.number().int().optional(),
  signal: z.string().optional(),
  startedAt: instant.optional(),
  endedAt: instant.optional(),
});

export const attemptSchema = z.object({
  id: z.string(),
  number: z.number().int(),
  state: attemptStateSchema,
  pool: z.string(),
  hostId: z.string().optional(),
  cause: causeSchema.optional(),
  errorKind: errorKindSchema,
  causeText: z.string().optional(),
  cancelRequested: cancelSchema.optional(),
  queuedAt: instant,
  claimedAt: instant.optional(),
  startedAt: instant.optional(),
  endedAt: instant.optional(),
  steps: z.array(stepSchema),
  /** The highest record of its runner that is stored. */
  durableSeq: z.number().int(),
  logBytes: z.number().int(),
});

export const hostAnswerSchema = z.object({ hostId: z.string(), reason: z.string() });
/** What may be said with a decision. Without a default it has to be said. */
export const inputSchema = z.discriminatedUnion('type', [
  z.object({
    name: z.string(),
    type: z.literal('string'),
    default: z.string().optional(),
    options: z.array(z.string()).optional(),
  }),
  z.object({
    name: z.string(),
    type: z.literal('int'),
    default: z.number().int().optional(),
    min: z.number().int().optional(),
    max: z.number().int().optional(),
  }),
  z.object({ name: z.string(), type: z.literal('bool'), default: z.boolean().optional() }),
]);
/** A gate: what is asked, who may decide, what may be said with it, and what has been said so far. */
export const gateSchema = z.object({
  /** It can be decided now. */
  open: z.boolean(),
  prompt: z.string().optional(),
  /** `user:ada`, `team:release`; empty: anyone who may operate. */
  approvers: z.array(z.string()),
  exclude: z.literal('author').optional(),
  count: z.number().int(),
  /** How many approvals it still takes. */
  missing: z.number().int(),
  inputs: z.array(inputSchema),
  /** Nobody was asked any more: its timeout approved it, with these inputs. */
  approvedByTimeout: z.object({ inputs: z.record(z.string(), z.string()) }).optional(),
  /** All that was said, in its order; of several by one person the last counts. */
  decisions: z.array(
    z.object({
      by: z.string(),
      verdict: z.enum(['approve', 'reject']),
      inputs: z.record(z.string(), z.string()),
      reason: z.string().optional(),
      at: instant,
    }),
  ),
});
export const nodeSchema = z.object({
  id: z.string(),
  name: z.string(),
  kind: nodeKindSchema,
  /** Of a gate. */
  gate: gateSchema.optional(),
  state: nodeStateSchema,
  needs: z.array(z.string()),
  /** It stands in this branch, and goes on only if the branch took its side. */
  branch: z.object({ id: z.string(), side: z.enum(['then', 'else']) }).optional(),
  /** Of a branch that has decided. */
  taken: z.enum(['then', 'else']).optional(),
  /** It begins after all others, and only if something failed. */
  onFailure: z.literal(true).optional(),
  /** A condition, as it was written. */
  when: z.string().optional(),
  /** It was not done again: the run in which it ended, by its id and, where it is here, its number. */
  reusedFrom: z.object({ runId: z.string(), number: z.number().int().optional() }).optional(),
  /** It failed, and was allowed to. */
  tolerated: z.literal(true).optional(),
  /** What it hands on, by name. */
  outputs: z.record(z.string(), z.string()).optional(),
  runsOn: z.string().optional(),
  image: z.string().optional(),
  stepNames: z.array(z.string()),
  cause: causeSchema.optional(),
  errorKind: errorKindSchema,
  causeText: z.string().optional(),
  /** What it waits for, while it waits. */
  waitingFor: z.string().optional(),
  /** When that is over at the latest, by a timer of the run. Absent: it may take for ever, or its host keeps the time. */
  waitsUntil: instant.optional(),
  /** While it is queued: why each host that there is does not take it, as it goes on after the host's name. */
  hostAnswers: z.array(hostAnswerSchema).optional(),
  attempts: z.array(attemptSchema),
});

export const runDetailSchema = runSummarySchema.extend({
  workflowFile: z.string(),
  /** SHA-256 of the file's text as the run was planned from it, in hex. Absent: it was planned by an older version. */
  workflowSha256: z.string().optional(),
  nodes: z.array(nodeSchema),
});

export const runListSchema = z.object({ runs: z.array(runSummarySchema) });
/** Events as the engine wrote them; every kind has its own fields. */
export const runEventsSchema = z.object({
  events: z.array(z.looseObject({ seq: z.number().int(), at: z.number(), kind: z.string() })),
});
/** `repeated`: it had been said before, and nothing has changed. */
export const gateAnswerSchema = z.object({ run: runDetailSchema, repeated: z.boolean() });
export const cancelAnswerSchema = z.object({ run: runDetailSchema });
/** Of a rerun, and of an import. */
export const newRunAnswerSchema = z.object({ run: runDetailSchema });
/** A run on its way to another installation. What is in it is for the one that takes it. */
export const runDocumentSchema = z.looseObject({ format: z.literal('solstice-run'), version: z.number().int() });

export const whySchema = z.object({
  run: runSummarySchema,
  /** The whole in one sentence. */
  summary: z.string(),
  reasons: z.array(
    z.object({
      subject: z.string(),
      state: z.string(),
      text: z.string(),
      /** Of a job that is queued: what each host says. */
      hosts: z.array(hostAnswerSchema).optional(),
    }),
  ),
});

export const deliveryStateSchema = z.enum(['received', 'planned', 'ignored', 'failed']);
export const deliverySchema = z.object({
  id: z.string(),
  forge: z.string(),
  forgeDeliveryId: z.string(),
  eventName: z.string(),
  repositoryId: z.string(),
  repository: z.string().optional(),
  state: deliveryStateSchema,
  reason: z.string().optional(),
  tries: z.number().int(),
  nextTryAt: instant.optional(),
  receivedAt: instant,
  runIds: z.array(z.string()),
  /** The normalised event; only when one delivery is asked for. */
  event: z.looseObject({ kind: z.string() }).optional(),
});
export const deliveryListSchema = z.object({ deliveries: z.array(deliverySchema) });

export const checkSchema = z.object({
  id: z.string(),
  forge: z.string(),
  repository: z.string(),
  commit: z.string(),
  context: z.string(),
  runId: z.string().optional(),
  desired: z.object({
    state: z.enum(['pending', 'running', 'succeeded', 'failed', 'cancelled', 'timed_out', 'error']),
    title: z.string(),
    text: z.string(),
  }),
  desiredVersion: z.number().int(),
  sentVersion: z.number().int(),
  tries: z.number().int(),
  nextTryAt: instant.optional(),
  lastError: z.string().optional(),
});
export const checkListSchema = z.object({ checks: z.array(checkSchema) });

export const repositorySchema = z.object({
  id: z.string(),
  forge: z.string(),
  name: z.string(),
  cloneUrl: z.string(),
  defaultBranch: z.string().optional(),
  origin: z.enum(['settings', 'operator']),
  /** Where the forge sends its webhooks. Absent: its forge is not in the settings any more. */
  webhookUrl: z.string().optional(),
  /** `repository`: it has one of its own; `forge`: the forge's counts; `none`: there is none. */
  webhookSecret: z.enum(['repository', 'forge', 'none']),
  /** From what its schedules were read; absent from an older server, and where it is added. */
  schedules: scheduleReadingSchema.optional(),
  createdAt: instant,
});
export const repositoryListSchema = z.object({ repositories: z.array(repositorySchema) });
export const repositoryAnswerSchema = z.object({
  repository: repositorySchema,
  forgeKind: z.enum(['forgejo', 'github', 'git']),
  /** In words, where the secret that counts is set: a file or a setting, never the secret. */
  webhookSecretPlace: z.string(),
});

export const triggerAnswerSchema = z.object({
  runs: z.array(z.object({ id: z.string(), number: z.number().int(), url: z.string() })),
  /** Why there is no run, when there is none. */
  reason: z.string().optional(),
});

export const doctorItemSchema = z.object({
  name: z.string(),
  state: z.enum(['ok', 'warn', 'fail']),
  detail: z.string(),
  hint: z.string().optional(),
});
export const doctorSchema = z.object({ items: z.array(doctorItemSchema) });

export const errorAnswerSchema = z.object({
  error: z.object({ code: z.string(), message: z.string(), hint: z.string(), state: z.string().optional() }),
});

/** The data of a `log` event. */
export const logEventSchema = z.object({
  job: z.string(),
  attempt: z.number().int(),
  step: z.number().int(),
  stream: z.enum(['stdout', 'stderr', 'system']),
  seq: z.number().int(),
  at: instant,
  /** Base64. */
  data: z.string(),
});
export const logEndSchema = z.object({ state: runStateSchema });

export type RunSummaryView = z.infer<typeof runSummarySchema>;
export type RunDetailView = z.infer<typeof runDetailSchema>;
export type NodeView = z.infer<typeof nodeSchema>;
export type GateView = z.infer<typeof gateSchema>;
export type GateAnswer = z.infer<typeof gateAnswerSchema>;
export type AttemptInfo = z.infer<typeof attemptSchema>;
export type StepView = z.infer<typeof stepSchema>;
export type RunDocument = z.infer<typeof runDocumentSchema>;
export type RunEvents = z.infer<typeof runEventsSchema>;
export type Why = z.infer<typeof whySchema>;
export type DeliveryView = z.infer<typeof deliverySchema>;
export type CheckView = z.infer<typeof checkSchema>;
export type RepositoryView = z.infer<typeof repositorySchema>;
export type RepositoryAnswer = z.infer<typeof repositoryAnswerSchema>;
export type TriggerAnswer = z.infer<typeof triggerAnswerSchema>;
export type DoctorItem = z.infer<typeof doctorItemSchema>;
export type LogEvent = z.infer<typeof logEventSchema>;
