import { z } from 'zod';
import { instant } from './instant.js';

/**
 * What the operator API answers about hosts, dead letters and the whole. Beside schemas.ts, with its rules; what came
 * after the first version may be absent, so that a newer ciadm reads an older server while a fleet is being renewed.
 */
const capacitySchema = z.object({ cpus: z.number(), memoryBytes: z.number(), slots: z.number() });

export const hostStateSchema = z.enum(['active', 'draining', 'cordoned']);
export const hostSchema = z.object({
  id: z.string(),
  state: hostStateSchema,
  /** Who set the state last. Absent: nobody has. */
  stateChange: z.object({ by: z.string(), reason: z.string().optional(), at: instant }).optional(),
  /** Of a draining host: from then on its work is handed back. */
  drainUntil: instant.optional(),
  /** Its process renews its lease. */
  alive: z.boolean(),
  version: z.string().optional(),
  machine: z.string().optional(),
  capacity: capacitySchema,
  reserved: capacitySchema,
  /** An alias is one of them, with its own name. */
  pools: z.array(
    z.object({
      name: z.string(),
      backend: z.enum(['container', 'process']),
      image: z.string().optional(),
      cpus: z.number(),
      memoryBytes: z.number(),
      trustedOnly: z.literal(true).optional(),
    }),
  ),
  notes: z.array(z.string()),
  load: z.object({ load1: z.number(), memoryFreeBytes: z.number(), diskFreeBytes: z.number() }).optional(),
  leaseUntil: instant,
  renewedAt: instant.optional(),
  /** Time since the lease was renewed. */
  leaseAgeMs: z.number().optional(),
  registeredAt: instant,
});
export const hostListSchema = z.object({ hosts: z.array(hostSchema) });

export const workerSchema = z.object({
  id: z.string(),
  pool: z.string(),
  attemptId: z.string(),
  /** False: its attempt is over, it only waits to be taken away. */
  live: z.boolean(),
  run: z.number().int().optional(),
  job: z.string().optional(),
  attempt: z.number().int().optional(),
});
export const hostDetailSchema = hostSchema.extend({ workers: z.array(workerSchema) });
export const hostAnswer = z.object({ host: hostDetailSchema });
export const removedSchema = z.object({ removed: z.string() });

export const deadLetterSchema = z.object({
  id: z.string(),
  queue: z.string(),
  routingKey: z.string(),
  /** Why it could not be read. */
  reason: z.string(),
  at: instant,
  bytes: z.number().int(),
  /** Only when one letter is asked for. */
  body: z.object({ encoding: z.enum(['utf8', 'base64']), text: z.string() }).optional(),
});
export const deadLetterListSchema = z.object({ total: z.number().int(), letters: z.array(deadLetterSchema) });
export const replayedSchema = z.object({ replayed: z.string() });

/** `atLeast`: counting stopped there. */
const countSchema = z.object({ count: z.number().int(), atLeast: z.boolean() });
export const statusSchema = z.object({
  version: z.string(),
  startedAt: instant,
  uptimeMs: z.number(),
  publicUrl: z.string(),
  store: z.object({ ok: z.boolean(), reason: z.string().optional() }),
  runs: z.object({ blocked: countSchema, queued: countSchema, running: countSchema }),
  /** Room is summed over those that are alive. */
  hosts: z.object({
    alive: z.number().int(),
    all: z.number().int(),
    /** Of those that are alive. */
    draining: z.number().int().optional(),
    cordoned: z.number().int().optional(),
    slots: z.number(),
    slotsReserved: z.number(),
    cpus: z.number().optional(),
    cpusReserved: z.number().optional(),
    memoryBytes: z.number().optional(),
    memoryBytesReserved: z.number().optional(),
  }),
  /** Age of the oldest message not handed on, milliseconds; absent: none waits. */
  outboxOldestMs: z.number().optional(),
  checksPending: countSchema,
  deadLetters: z.number().int().optional(),
  deliveries: z.object({ received: countSchema, planned: countSchema, ignored: countSchema, failed: countSchema }),
});

export type HostView = z.infer<typeof hostSchema>;
export type HostDetailView = z.infer<typeof hostDetailSchema>;
export type WorkerView = z.infer<typeof workerSchema>;
export type DeadLetterView = z.infer<typeof deadLetterSchema>;
export type StatusView = z.infer<typeof statusSchema>;
export type Count = z.infer<typeof countSchema>;
