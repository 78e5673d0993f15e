import Docker from 'dockerode';

export const DEFAULT_DOCKER_SOCKET = '/var/run/docker.sock';

/** A client of the Docker engine on this machine. Connects when it is used. */
export class DockerConnection extends Docker {
  readonly socketPath: string;
  /** Why this address can't be used; undefined: it can. */
  readonly unsupported: string | undefined;

  constructor(dockerHost: string | undefined) {
    const { socketPath, unsupported } = parseDockerHost(dockerHost);
    // `host` is named so that the library does not let DOCKER_HOST of the environment win over the socket.
    super({ socketPath, host: undefined });
    this.socketPath = socketPath;
    this.unsupported = unsupported;
  }
}

/** As DOCKER_HOST has it: `unix:///path`, or a path. Undefined: /var/run/docker.sock. Any other address is told by the backend's `problems`. */
export function connectDocker(dockerHost: string | undefined): DockerConnection {
  return new DockerConnection(dockerHost);
}

export function parseDockerHost(dockerHost: string | undefined): { socketPath: string; unsupported?: string } {
  if (dockerHost === undefined || dockerHost === '') return { socketPath: DEFAULT_DOCKER_SOCKET };
  const socketPath = dockerHost.startsWith('unix://') ? dockerHost.slice('unix://'.length) : dockerHost;
  if (socketPath.startsWith('/')) return { socketPath };
  return {
    socketPath: '/nonexistent/docker.sock',
    unsupported: `Docker at ${dockerHost} is not available yet: Solstice needs a Docker engine on this machine's unix socket`,
  };
}
