export * from './backend.js';
export { type ContainerBackendSettings, createContainerBackend } from './container/container-backend.js';
export { connectDocker, type DockerConnection } from './container/docker-connection.js';
export {
  buildHostToolsImage,
  type HostToolsImage,
  ImageRoot,
  importImage,
  usualTools,
} from './container/host-image.js';
export {
  createRunnerMount,
  type RunnerMount,
  type RunnerMountSettings,
  type RunnerVersion,
} from './container/runner-mount.js';
export { createProcessBackend, type ProcessBackendSettings } from './process/process-backend.js';
