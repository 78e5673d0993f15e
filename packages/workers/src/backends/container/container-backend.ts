import { SolsticeError, toError } from '@solstice/common/errors';
import type { Logger } from '@solstice/common/telemetry';
import type Docker from 'dockerode';
import type { Backend, Worker, WorkerSpec } from '../backend.js';
import { checkWorkerId } from '../boot-file.js';
import { WorkerLanes } from '../worker-lanes.js';
import { waitForContainer } from './container-exit.js';
import { LABELS, nameOf } from './container-names.js';
import { containerSettings, INSIDE, serviceSettings, workerFiles } from './container-settings.js';
import type { DockerConnection } from './docker-connection.js';
import { engineFailure, engineWords, statusOf, unlessAbsent } from './docker-errors.js';
import type { RunnerMount } from './runner-mount.js';
import { watchServices } from './watch-services.js';
import { WorkerImages } from './worker-image.js';
import { createNetwork, networksOf, removeNetworks } from './worker-network.js';

export interface ContainerBackendSettings {
  docker: DockerConnection;
  hostId: string;
  /** From `createRunnerMount`. */
  runnerMount: RunnerMount;
  logger: Logger;
}

/** A worker is a container and a network of its own, with a container for each service of its job, on the Docker engine of this machine. */
export function createContainerBackend(settings: ContainerBackendSettings): Backend {
  return new ContainerBackend(settings);
}

const REMOVAL_POLLS_MAX = 600;
const REMOVAL_POLL_MS = 50;

class ContainerBackend implements Backend {
  readonly kind = 'container';
  readonly #settings: ContainerBackendSettings;
  readonly #docker: DockerConnection;
  readonly #images: WorkerImages;
  readonly #lanes: WorkerLanes;

  constructor(settings: ContainerBackendSettings) {
    this.#settings = settings;
    this.#docker = settings.docker;
    this.#images = new WorkerImages(this.#docker, settings.logger);
    this.#lanes = new WorkerLanes(settings.logger);
  }

  async problems(): Promise<string[]> {
    if (this.#docker.unsupported !== undefined) return [this.#docker.unsupported];
    try {
      const version = await this.#docker.version();
      if (version.Os !== 'linux') return [`the Docker engine runs ${version.Os} containers, not Linux ones`];
    } catch (thrown) {
      return [`Docker does not answer at ${this.#docker.socketPath}: ${engineWords(thrown)}`];
    }
    return await this.#settings.runnerMount.ready().then(
      () => [],
      (thrown: unknown) => [toError(thrown).message],
    );
  }

  async provision(spec: WorkerSpec, signal: AbortSignal): Promise<Worker> {
    checkWorkerId(spec.workerId);
    return await this.#lanes.provision(spec.workerId, signal, {
      find: () => this.#find(spec),
      make: (either) => this.#make(spec, either),
      undo: () => this.#remove(spec.workerId),
    });
  }

  async list(): Promise<Worker[]> {
    const filters = { label: [`${LABELS.host}=${this.#settings.hostId}`] };
    const [containers, networks] = await Promise.all([
      this.#docker.listContainers({ all: true, filters: JSON.stringify(filters) }),
      networksOf(this.#docker, this.#settings.hostId),
    ]);
    const workers = new Map<string, Worker>();
    for (const labels of [...networks, ...containers].map(({ Labels }) => Labels ?? {})) {
      const id = labels[LABELS.worker];
      if (id !== undefined) workers.set(id, this.#worker(id, labels[LABELS.mirror] === 'yes'));
    }
    return [...workers.values()];
  }

  async #find(spec: WorkerSpec): Promise<Worker | undefined> {
    const container = await this.#engine(spec.workerId, () =>
      unlessAbsent(this.#docker.getContainer(nameOf(spec.workerId)).inspect()),
    );
    if (container === undefined) return undefined;
    const labels = container.Config.Labels;
    if (labels[LABELS.host] !== this.#settings.hostId || labels[LABELS.worker] !== spec.workerId) {
      throw new SolsticeError('worker-failed', `a container named ${nameOf(spec.workerId)} is not this host's`, {
        hint: 'Rename or remove it by hand.',
        retryable: false,
      });
    }
    // Its maker died before starting it: it never ran, so it is taken away and made anew.
    return container.State.Status === 'created'
      ? undefined
      : this.#worker(spec.workerId, labels[LABELS.mirror] === 'yes');
  }

  async #make(spec: WorkerSpec, signal: AbortSignal): Promise<Worker> {
    const services = spec.services ?? [];
    const [imageId, ...serviceImages] = await Promise.all(
      [spec.image, ...services.map(({ image }) => image)].map((image) => this.#images.idOf(image, signal)),
    );
    await this.#engine(spec.workerId, async () => {
      await this.#remove(spec.workerId);
      // The network is not looked at before the start, so all are made side by side.
      const [container, ...others] = await settledAll(createNetwork(this.#docker, spec), [
        this.#createContainer(spec, imageId ?? ''),
        ...services.map((service, index) =>
          this.#docker.createContainer(serviceSettings(spec, service, serviceImages[index] ?? '')),
        ),
      ]);
      // The runner's comes last: whoever finds it running knows that the services were started.
      for (const other of others) if (!signal.aborted) await other.start();
      if (!signal.aborted) await container?.start();
    });
    this.#settings.logger.debug({ workerId: spec.workerId, image: spec.image }, 'worker container started');
    return this.#worker(spec.workerId, spec.mirrorDirectory !== undefined);
  }

  async #createContainer(spec: WorkerSpec, imageId: string): Promise<Docker.Container> {
    const files = await workerFiles(spec);
    const settings = containerSettings(spec, imageId, await this.#settings.runnerMount.ready());
    const container = await this.#docker.createContainer(settings);
    await container.putArchive(files, { path: '/' });
    return container;
  }

  #worker(id: string, hasMirror: boolean): Worker {
    return {
      id,
      mirrorPath: hasMirror ? INSIDE.mirror : undefined,
      wait: () => waitForContainer(this.#docker, nameOf(id), this.#settings.logger),
      watchServices: (services, events, signal) =>
        watchServices({ docker: this.#docker, workerId: id, services, logger: this.#settings.logger }, events, signal),
      destroy: () => this.#lanes.destroy(id, () => this.#engine(id, () => this.#remove(id))),
    };
  }

  /** Containers are found by label, not by name: whatever else has the name is not ours. */
  async #remove(workerId: string): Promise<void> {
    const label = [`${LABELS.host}=${this.#settings.hostId}`, `${LABELS.worker}=${workerId}`];
    const containers = await this.#docker.listContainers({ all: true, filters: JSON.stringify({ label }) });
    for (const { Id } of containers) await this.#removeContainer(Id);
    await removeNetworks(this.#docker, this.#settings.hostId, workerId);
  }

  async #removeContainer(id: string): Promise<void> {
    const container = this.#docker.getContainer(id);
    try {
      // `v`: its anonymous volumes, too.
      await unlessAbsent(container.remove({ force: true, v: true }));
    } catch (thrown) {
      // Somebody else is already removing it: done when it is gone.
      if (statusOf(thrown) !== 409) throw thrown;
      await this.#untilRemoved(container, thrown);
    }
  }

  async #untilRemoved(container: Docker.Container, refusal: unknown): Promise<void> {
    for (let polls = 0; polls < REMOVAL_POLLS_MAX; polls += 1) {
      if ((await unlessAbsent(container.inspect())) === undefined) return;
      await new Promise((resolve) => setTimeout(resolve, REMOVAL_POLL_MS));
    }
    throw refusal;
  }

  async #engine<T>(workerId: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      throw engineFailure(`worker ${workerId}: Docker says`, thrown, 'worker-failed');
    }
  }
}

/** Like Promise.all, but never rejects while one of them still runs: what it then made could not be undone. */
async function settledAll<T>(first: Promise<void>, others: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled([first, ...others]);
  await first;
  return await Promise.all(others);
}
