import { readFileSync } from 'node:fs';
import type { QueueSettings, Settings } from '@solstice/common/config';
import { SolsticeError } from '@solstice/common/errors';
import type { PartHealth } from '@solstice/common/loops';
import { createInProcessQueue, createRabbitQueue, type Queue } from '@solstice/common/queue';
import type { Logger } from '@solstice/common/telemetry';
import type { Health } from './health.js';
import type { Shutdown } from './shutdown.js';

/** The broker of the settings, which need not be there yet, or the queue inside this process. Rejects with `settings-invalid`. */
export async function openQueue(
  settings: Pick<Settings, 'queue' | 'host'>,
  process: { shutdown: Shutdown; health: Health; logger: Logger },
): Promise<Queue> {
  const { shutdown, health } = process;
  const logger = process.logger.child({ part: 'queue' });
  const queue =
    settings.queue === undefined
      ? createInProcessQueue({ logger })
      : await createRabbitQueue({
          url: settings.queue.url.reveal(),
          tls: readCertificates(settings.queue),
          hostId: settings.host.id,
          logger,
        });
  shutdown.add('queue', () => queue.close());
  health.add('queue', { needed: false, look: () => queueHealth(queue) });
  return queue;
}

/** How the queue is, in words: without it everything still happens, because every listener sweeps its table too. */
export function queueHealth(queue: Pick<Queue, 'state' | 'problem'>): PartHealth {
  if (queue.state() === 'connected') return { ok: true, detail: 'connected' };
  const problem = queue.problem();
  const why = problem === undefined ? '' : `: ${problem.message}`;
  return { ok: false, detail: `${queue.state()}${why}; work goes on by sweeps, some seconds slower` };
}

function readCertificates({ caFile, certFile, keyFile }: QueueSettings): { ca?: string; cert?: string; key?: string } {
  return {
    ...(caFile === undefined ? {} : { ca: readPem('queue_ca_file', caFile) }),
    ...(certFile === undefined ? {} : { cert: readPem('queue_cert_file', certFile) }),
    ...(keyFile === undefined ? {} : { key: readPem('queue_key_file', keyFile) }),
  };
}

function readPem(setting: string, file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new SolsticeError('settings-invalid', `${setting}: ${file} cannot be read (${code})`, { cause: error });
  }
  if (text.includes('-----BEGIN ')) return text;
  throw new SolsticeError('settings-invalid', `${setting}: ${file} does not hold a certificate or key in PEM`);
}
