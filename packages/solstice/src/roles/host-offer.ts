import type { HostSettings } from '@solstice/common/config';
import { SolsticeError } from '@solstice/common/errors';
import { fullCapacity, type HostDescription, offersOf } from '@solstice/common/host-file';
import type { Capacity, PoolOffer } from '@solstice/common/store';
import { capacityOf, chooseBackend, singleHostPools } from '@solstice/orchestrator';
import type { Backend } from '@solstice/workers/backends';

/** What this machine offers to jobs. */
export interface HostOffer {
  capacity: Capacity;
  pools: PoolOffer[];
  /** How jobs run here, and why; a sentence for people. */
  reason: string;
  /** Those whose workers may lie here: only such as answer. */
  backends: Backend[];
}

/** As host.kdl says, else jobs without runs_on (alone: all) on the best backend there is. Rejects with `host-file-invalid`, `backend-unavailable`. */
export async function hostOffer(
  settings: HostSettings,
  file: HostDescription | undefined,
  /** The only host that there is: it takes what no host serves by name too. */
  alone: boolean,
  backends: { container: Backend; process: Backend },
): Promise<HostOffer> {
  // Workers of the other backend may be left from a time with other settings, but only ask an engine that answers.
  const answering = (needsEngine: boolean) =>
    needsEngine ? [backends.container, backends.process] : [backends.process];
  const capacity = capacityOf(settings);
  if (file === undefined) {
    const { backend, reason } = await chooseBackend(settings.backend, backends);
    // In a fleet a job of a pool that nobody serves waits, and says so, until a host comes that does.
    const pools = singleHostPools(backend.kind, settings).filter(({ name }) => alone || name !== '*');
    return { capacity, pools, reason, backends: answering(backend.kind === 'container') };
  }

  const own = fullCapacity(file, capacity);
  const pools = offersOf(file, own);
  const contained = pools.filter((pool) => pool.backend === 'container').map((pool) => pool.name);
  const problems = await backends.container.problems();
  if (problems.length > 0 && contained.length > 0) {
    throw new SolsticeError(
      'backend-unavailable',
      `${file.file} has pools of containers (${contained.join(', ')}), which cannot be made here: ${problems.join('; ')}`,
    );
  }
  const bare = pools.filter((pool) => pool.backend === 'process').map((pool) => pool.name);
  const reason = [
    ...(contained.length > 0 ? [`in containers: ${contained.join(', ')}`] : []),
    ...(bare.length > 0 ? [`as processes, without isolation: ${bare.join(', ')}`] : []),
  ].join('; ');
  return {
    capacity: own,
    pools,
    reason: `pools of ${file.file}, ${reason}`,
    // Also without a pool of containers: jobs of one that the file had before may still run here.
    backends: answering(problems.length === 0),
  };
}
