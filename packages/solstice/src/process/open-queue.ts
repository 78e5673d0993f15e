import type { Settings } from '@solstice/common/config';
import { SolsticeError } from '@solstice/common/errors';
import type { PartHealth } from '@solstice/common/loops';
import { createInProcessQueue, type Queue } from '@solstice/common/queue';
import type { Logger } from '@solstice/common/telemetry';
import type { Health } from './health.js';
import type { Shutdown } from './shutdown.js';

/** The broker of the settings, or the queue inside this process. Does not wait for the broker. */
export async function openQueue(
  settings: Pick<Settings, 'queue'>,
  process: { shutdown: Shutdown; health: Health; logger: Logger },
): Promise<Queue> {
  const { shutdown, health, logger } = process;
  if (settings.queue !== undefined) {
    throw new SolsticeError('not-available-yet', 'a queue outside of the process is not available yet');
  }
  const queue = createInProcessQueue({ logger });
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
