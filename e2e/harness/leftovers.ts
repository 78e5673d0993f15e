import { readdirSync, readFileSync } from 'node:fs';
import Docker from 'dockerode';

/** Containers, networks and volumes of a host, and processes that name its directory: there must be none. */
export async function expectNothingLeft(hostId: string, directory: string): Promise<void> {
  const left = [...(await dockerObjects(hostId)), ...processesNaming(directory)];
  if (left.length > 0) throw new Error(`left behind by host ${hostId}:\n${left.join('\n')}`);
}

async function dockerObjects(hostId: string): Promise<string[]> {
  if (process.env.SOLSTICE_TEST_DOCKER === 'missing') return [];
  const docker = new Docker();
  const filters = { label: [`solstice.host=${hostId}`] };
  const containers = await docker.listContainers({ all: true, filters });
  const networks = await docker.listNetworks({ filters });
  const { Volumes: volumes } = await docker.listVolumes({ filters });
  return [
    ...containers.map((container) => `container ${container.Names.join(' ')}`),
    ...networks.map((network) => `network ${network.Name}`),
    ...(volumes ?? []).map((volume) => `volume ${volume.Name}`),
  ];
}

/** Processes that name the directory in their command line or environment; this one aside. */
export function pidsNaming(directory: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && `${read(pid, 'cmdline')} ${read(pid, 'environ')}`.includes(directory));
}

/** For people: each with its command. */
export function processesNaming(directory: string): string[] {
  return pidsNaming(directory).map((pid) => `process ${pid}: ${read(pid, 'cmdline').replaceAll('\0', ' ')}`);
}

function read(pid: number, file: 'cmdline' | 'environ'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    // It ended while we looked, or belongs to somebody else.
    return '';
  }
}
