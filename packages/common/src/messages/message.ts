import { z } from 'zod';
import { forgeEventSchema } from '../forge/index.js';

/**
 * Wake-ups between processes. A message carries ids, never the truth: it may be lost, doubled, late or out of
 * order, and everybody who listens also sweeps the store. So nothing is correct because of a message; things
 * are only quick because of it.
 */
export const messageSchemas = {
  /** A delivery waits in the inbox; with what it says, for whoever listens without a database. */
  'delivery.v2': z
    .strictObject({
      kind: z.literal('delivery'),
      version: z.literal(2),
      deliveryId: z.string().min(1),
      forge: z.string().min(1),
      event: forgeEventSchema,
    })
    .describe('A delivery waits in the inbox.'),
  /** As outboxes of before hold it. */
  'delivery.v1': z
    .strictObject({
      kind: z.literal('delivery'),
      version: z.literal(1),
      deliveryId: z.string().min(1),
      forge: z.string().min(1),
      /** The kind of its normalised event: `forge.push.v1`. */
      event: z.string().min(1),
    })
    .describe('A delivery waits in the inbox. Read, not written any more.'),
  /** A pool has work. */
  'job.v1': z
    .strictObject({
      kind: z.literal('job'),
      version: z.literal(1),
      pool: z.string().min(1),
      attemptId: z.string().min(1),
    })
    .describe('A pool has work: an attempt was queued for it.'),
  /** A host has something to read in its rows (a cancel, a drain). */
  'host.v1': z
    .strictObject({ kind: z.literal('host'), version: z.literal(1), hostId: z.string().min(1) })
    .describe('A host has something to read in its rows: a cancel, a drain.'),
  /** A check changed. */
  'report.v1': z
    .strictObject({
      kind: z.literal('report'),
      version: z.literal(1),
      forge: z.string().min(1),
      checkId: z.string().min(1),
    })
    .describe('What a forge should show for a commit has changed.'),
} as const;

export const messageSchema = z.discriminatedUnion('kind', [
  z.discriminatedUnion('version', [messageSchemas['delivery.v2'], messageSchemas['delivery.v1']]),
  messageSchemas['job.v1'],
  messageSchemas['host.v1'],
  messageSchemas['report.v1'],
]);

export type Message = z.infer<typeof messageSchema>;
export type MessageKind = Message['kind'];
/** `job.v1` */
export type MessageVersion = keyof typeof messageSchemas;

export type ParsedMessage = { message: Message } | { unreadable: string };

/**
 * Reads a message strictly: an unknown kind, version or field makes it unreadable, with a reason for whoever looks at
 * dead letters. Takes what JSON.parse gives.
 */
export function parseMessage(value: unknown): ParsedMessage {
  const parsed = messageSchema.safeParse(value);
  if (parsed.success) {
    return { message: parsed.data };
  }
  const reasons = parsed.error.issues.map((issue) => {
    const place = issue.path.join('.');
    return place === '' ? issue.message : `${place}: ${issue.message}`;
  });
  return { unreadable: reasons.join('; ') };
}
