import type { HostSettings } from '@solstice/common/config';
import { SolsticeError } from '@solstice/common/errors';
import type { Capacity, PoolOffer } from '@solstice/common/store';
import type { Backend } from '@solstice/workers/backends';

export interface ChosenBackend {
  backend: Backend;
  /** Which, and why; one sentence for people. */
  reason: string;
}

/** Containers if a Docker engine answers, else processes; or what the settings insist on. */
export async function chooseBackend(
  wanted: HostSettings['backend'],
  backends: { container: Backend; process: Backend },
): Promise<ChosenBackend> {
  if (wanted === 'process') return { backend: backends.process, reason: 'jobs run as processes, as the settings say' };
  const problems = await backends.container.problems();
  if (problems.length === 0) {
    return { backend: backends.container, reason: 'jobs run in containers: the Docker engine answers' };
  }
  if (wanted === 'container') {
    throw new SolsticeError('backend-unavailable', `containers cannot be made here: ${problems.join('; ')}`);
  }
  return {
    backend: backends.process,
    reason: `jobs run as processes, without isolation: ${problems.join('; ')}`,
  };
}

/** Without a host.kdl a host serves `default`, and, being the only one, every pool that nobody else serves. */
export function singleHostPools(kind: Backend['kind'], settings: HostSettings): PoolOffer[] {
  const share = {
    backend: kind,
    image: settings.image,
    cpus: 1,
    memoryBytes: Math.floor(settings.memoryBytes / settings.slots),
  };
  return [
    { name: 'default', ...share },
    { name: '*', ...share },
  ];
}

export function capacityOf(settings: HostSettings): Capacity {
  // A job of these pools takes one cpu; slots, not cpus, are what bounds them when there are more slots.
  return { cpus: Math.max(settings.cpus, settings.slots), memoryBytes: settings.memoryBytes, slots: settings.slots };
}
