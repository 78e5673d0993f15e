import type Docker from 'dockerode';
import type { WorkerSpec } from '../backend.js';
import { LABELS, labelsOf, nameOf } from './container-names.js';
import { engineFailure, statusOf, unlessAbsent } from './docker-errors.js';

/** A bridge of the worker's own: it meets no other job's containers. Idempotent. */
export async function createNetwork(docker: Docker, spec: WorkerSpec): Promise<void> {
  try {
    await docker.createNetwork({
      Name: nameOf(spec.workerId),
      CheckDuplicate: true,
      Driver: 'bridge',
      Labels: labelsOf(spec),
    });
  } catch (thrown) {
    if (statusOf(thrown) === 409 && (await networksOf(docker, spec.hostId, spec.workerId)).length > 0) return;
    const hint = 'If the engine has no addresses left, give it more with default-address-pools in its daemon.json.';
    throw engineFailure(`no network for worker ${spec.workerId}`, thrown, 'worker-failed', hint);
  }
}

export async function removeNetworks(docker: Docker, hostId: string, workerId: string): Promise<void> {
  for (const { Id } of await networksOf(docker, hostId, workerId)) {
    try {
      await unlessAbsent(docker.getNetwork(Id).remove());
    } catch (thrown) {
      if (statusOf(thrown) !== 403) throw thrown;
      // An engine that was killed can keep an endpoint of a container that is gone.
      await disconnectAll(docker, Id);
      await unlessAbsent(docker.getNetwork(Id).remove());
    }
  }
}

export async function networksOf(
  docker: Docker,
  hostId: string,
  workerId?: string,
): Promise<Docker.NetworkInspectInfo[]> {
  const label = [`${LABELS.host}=${hostId}`];
  if (workerId !== undefined) label.push(`${LABELS.worker}=${workerId}`);
  return await docker.listNetworks({ filters: JSON.stringify({ label }) });
}

async function disconnectAll(docker: Docker, networkId: string): Promise<void> {
  const network = docker.getNetwork(networkId);
  const containers = (await unlessAbsent(network.inspect()))?.Containers ?? {};
  for (const [id, { Name }] of Object.entries(containers)) {
    // By its name: of a container that is gone, the engine knows the endpoint by that only.
    await unlessAbsent(network.disconnect({ Container: Name || id, Force: true }));
  }
}
