import { SolsticeError } from '@solstice/common/errors';
import type { Logger } from '@solstice/common/telemetry';
import type Docker from 'dockerode';
import { engineFailure, unlessAbsent } from './docker-errors.js';

// It becomes part of a path of the engine's API.
const IMAGE_NAME = /^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,254}$/;

/**
 * The id of an image that is here, or that was pulled just now. Several workers that need the same one wait for the
 * same pull, which goes on while one of them still waits. Rejects with `image-unavailable` and the engine's own words; with
 * `host-full` or `backend-unavailable` where it is not the image's fault.
 */
export class WorkerImages {
  readonly #docker: Docker;
  readonly #logger: Logger;
  readonly #pulls = new Map<string, Promise<void>>();

  constructor(docker: Docker, logger: Logger) {
    this.#docker = docker;
    this.#logger = logger;
  }

  async idOf(image: string | undefined, signal: AbortSignal): Promise<string> {
    if (image === undefined || image === '') {
      throw new SolsticeError('image-unavailable', 'the job names no image, and this host has none for such jobs', {
        hint: 'Name one with image= in the job, or with image in the host settings.',
      });
    }
    if (!IMAGE_NAME.test(image) || image.includes('..')) {
      throw new SolsticeError('image-unavailable', `not the name of an image: ${JSON.stringify(image)}`);
    }
    const here = await this.#inspect(image);
    if (here !== undefined) return here;
    await this.#pull(image, signal);
    const pulled = await this.#inspect(image);
    if (pulled !== undefined) return pulled;
    throw new SolsticeError('image-unavailable', `image ${image} was pulled and is not there`);
  }

  async #inspect(image: string): Promise<string | undefined> {
    try {
      return (await unlessAbsent(this.#docker.getImage(image).inspect()))?.Id;
    } catch (thrown) {
      throw unavailable(image, thrown);
    }
  }

  async #pull(image: string, signal: AbortSignal): Promise<void> {
    const running = this.#pulls.get(image);
    const pull = running ?? this.#startPull(image);
    if (running === undefined) {
      this.#pulls.set(image, pull);
      const forget = (): void => {
        this.#pulls.delete(image);
      };
      pull.then(forget, forget);
    }
    await untilAborted(pull, signal);
  }

  async #startPull(image: string): Promise<void> {
    this.#logger.info({ image }, 'image is being pulled');
    try {
      const progress = await this.#docker.pull(image);
      await new Promise<void>((resolve, reject) => {
        this.#docker.modem.followProgress(progress, (error: Error | null) => (error ? reject(error) : resolve()));
      });
    } catch (thrown) {
      throw unavailable(image, thrown);
    }
    this.#logger.info({ image }, 'image pulled');
  }
}

function unavailable(image: string, thrown: unknown): SolsticeError {
  return engineFailure(`image ${image}`, thrown, 'image-unavailable');
}

async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  if (signal.aborted) stop();
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
