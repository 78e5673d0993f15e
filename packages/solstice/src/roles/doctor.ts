import { statfs } from 'node:fs/promises';
import type { DoctorItem } from '@solstice/api';
import { toError } from '@solstice/common/errors';
import type { Sealer } from '@solstice/common/secrets';
import { queueHealth } from '../process/open-queue.js';
import type { RoleContext } from './context.js';
import { sealingHealth } from './sealing.js';

const GIB = 1024 ** 3;
const FREE_BYTES_WANTED = 2 * GIB;
/** An outbox older than this says that the relay or the queue is stuck. */
const OUTBOX_AGE_WANTED_MS = 30_000;

/** What an operator should know of this process, worst things told with the way out. */
export async function diagnose(
  context: RoleContext,
  about: { sealer: Sealer; backendReason: string | undefined },
): Promise<DoctorItem[]> {
  const { settings, store, queue } = context;
  const { backendReason, sealer } = about;
  return [
    await item('database', async () => {
      await store.ping();
      return { state: 'ok', detail: 'PostgreSQL answers' };
    }),
    await item('queue', async () => {
      const { ok, detail } = queueHealth(queue);
      return ok ? { state: 'ok', detail } : { state: 'warn', detail, hint: 'Check that RabbitMQ runs, and queue_url.' };
    }),
    ...(backendReason === undefined ? [] : [await item('workers', async () => workers(context, backendReason))]),
    await item('disk', async () => {
      const { bavail, bsize } = await statfs(settings.dataDirectory);
      const freeBytes = bavail * bsize;
      const detail = `${(freeBytes / GIB).toFixed(1)} GiB free for ${settings.dataDirectory}`;
      return freeBytes >= FREE_BYTES_WANTED
        ? { state: 'ok', detail }
        : { state: 'warn', detail, hint: 'Logs, mirrors and work trees need room: free some, or move data_dir.' };
    }),
    await item('outbox', async () => {
      const ageMs = await store.outbox.oldestAgeMs();
      if (ageMs === undefined || ageMs < OUTBOX_AGE_WANTED_MS) return { state: 'ok', detail: 'no message waits long' };
      return {
        state: 'warn',
        detail: `the oldest message waits for ${Math.round(ageMs / 1000)} s`,
        hint: 'The log says why the relay does not get on.',
      };
    }),
    await item('sealing key', async () => {
      const { ok, detail } = await sealingHealth(store, sealer);
      if (ok) return { state: 'ok', detail };
      return {
        state: 'fail',
        detail,
        hint: 'Start with the secret.key that it was sealed with, or set the secret again.',
      };
    }),
    await item('webhook secrets', async () => {
      const repositories = await store.repositories.list();
      const bare = settings.forges.filter(
        (forge) =>
          forge.webhookSecret === undefined &&
          repositories.some((each) => each.forge === forge.id && each.sealedWebhookSecret === undefined),
      );
      if (bare.length === 0) return { state: 'ok', detail: 'every repository is covered by one' };
      return {
        state: 'fail',
        detail: `webhooks are believed unsigned: ${bare.map(({ id }) => id).join(', ')} (--dev)`,
        hint: 'Set webhook_secret_file for the forge, and start without --dev.',
      };
    }),
  ];
}

function workers({ settings }: RoleContext, reason: string): Omit<DoctorItem, 'name'> {
  if (!reason.includes('without isolation')) return { state: 'ok', detail: reason };
  return {
    state: settings.host.backend === 'auto' ? 'warn' : 'ok',
    detail: reason,
    hint: 'Install and start Docker, and start Solstice again, to run jobs in containers.',
  };
}

async function item(name: string, look: () => Promise<Omit<DoctorItem, 'name'>>): Promise<DoctorItem> {
  try {
    return { name, ...(await look()) };
  } catch (error) {
    return { name, state: 'fail', detail: toError(error).message };
  }
}
