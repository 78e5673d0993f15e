import type { ResolvedService } from '@solstice/common/flow';
import type Docker from 'dockerode';
import { pack } from 'tar-stream';
import type { WorkerSpec } from '../backend.js';
import { bootFile } from '../boot-file.js';
import { LABELS, labelsOf, nameOf, serviceNameOf } from './container-names.js';
import type { RunnerVersion } from './runner-mount.js';

/** What a worker sees inside its container. */
export const INSIDE = {
  runner: '/solstice/runner',
  session: '/solstice/session',
  mirror: '/solstice/source.git',
  boot: '/solstice/boot.json',
  spool: '/solstice/spool',
  work: '/workspace',
} as const;

const PIDS_LIMIT = 4096;

/**
 * Of Docker's default capabilities these go: making device nodes, raw packets (ARP and DNS spoofing on a bridge),
 * file capabilities, changing one's own sets, chroot. What stays is what package managers, test databases and
 * `su` in a root image use: CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, NET_BIND_SERVICE, AUDIT_WRITE.
 */
const DROPPED_CAPABILITIES = ['MKNOD', 'NET_RAW', 'SETFCAP', 'SETPCAP', 'SYS_CHROOT'];

/**
 * A container for one worker. The image's own user and environment are kept, its entrypoint, working directory and health
 * check are not. There is nothing secret in it: the token goes in as a file, see `workerFiles`.
 */
export function containerSettings(
  spec: WorkerSpec,
  imageId: string,
  runner: RunnerVersion,
): Docker.ContainerCreateOptions {
  return {
    name: nameOf(spec.workerId),
    Image: imageId,
    Entrypoint: runner.command(INSIDE.runner, ['--boot', INSIDE.boot]),
    Cmd: [],
    WorkingDir: INSIDE.work,
    Labels: labelsOf(spec),
    Healthcheck: { Test: ['NONE'] },
    AttachStdout: false,
    AttachStderr: false,
    HostConfig: {
      NetworkMode: nameOf(spec.workerId),
      Mounts: [
        readOnly(runner.directory, INSIDE.runner),
        readOnly(spec.sessionDirectory, INSIDE.session),
        ...(spec.mirrorDirectory === undefined ? [] : [readOnly(spec.mirrorDirectory, INSIDE.mirror)]),
      ],
      ...confinement(spec),
    },
  };
}

/**
 * A container for a service of the job, in the worker's network under its own name. Entrypoint, user and environment are
 * the image's: it is there to be what it is. Each is held to what the job reserved for all of them (docs/host.md).
 */
export function serviceSettings(
  spec: WorkerSpec,
  service: ResolvedService,
  imageId: string,
): Docker.ContainerCreateOptions {
  const network = nameOf(spec.workerId);
  return {
    name: serviceNameOf(spec.workerId, service.name),
    Image: imageId,
    Env: Object.entries(service.env).map(([name, value]) => `${name}=${value}`),
    Labels: { ...labelsOf(spec), [LABELS.service]: service.name },
    Healthcheck: { Test: ['NONE'] },
    AttachStdout: false,
    AttachStderr: false,
    HostConfig: { NetworkMode: network, ...confinement(spec) },
    NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: [service.name] } } },
  };
}

function confinement(spec: WorkerSpec): Docker.HostConfig {
  return {
    Init: true,
    NanoCpus: Math.round(spec.cpus * 1e9),
    Memory: spec.memoryBytes,
    // Equal: no swap beyond the memory, so a job that needs more ends soon and is told why.
    MemorySwap: spec.memoryBytes,
    PidsLimit: PIDS_LIMIT,
    CapDrop: DROPPED_CAPABILITIES,
    SecurityOpt: ['no-new-privileges'],
    RestartPolicy: { Name: 'no' },
    // Of the runner's only what it says itself lands here. The last lines are shown when a container ends badly.
    LogConfig: { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '1' } },
  };
}

/** The boot file and the directories that any user of the image may write to, as a tar for the container's root. */
export async function workerFiles(spec: WorkerSpec): Promise<Buffer> {
  const boot = bootFile(spec, {
    sessionDirectory: INSIDE.session,
    workDirectory: INSIDE.work,
    spoolDirectory: INSIDE.spool,
  });
  const tar = pack();
  const directory = (name: string, mode: number): void => {
    tar.entry({ name: `${name.slice(1)}/`, type: 'directory', mode });
  };
  directory('/solstice', 0o755);
  directory(INSIDE.spool, 0o777);
  directory(INSIDE.work, 0o777);
  // Readable for all in there: which user the image has is not known here, and the token works once.
  tar.entry({ name: INSIDE.boot.slice(1), mode: 0o644 }, JSON.stringify(boot));
  tar.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of tar as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function readOnly(source: string, target: string): Docker.MountSettings {
  return { Type: 'bind', Source: source, Target: target, ReadOnly: true };
}
