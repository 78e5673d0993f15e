import { dockerForTests, makeTestImages } from '@solstice/testing';

/** Images for the scenarios, if an engine answers; else the suites that need one are skipped, and counted as that. */
export default async function setup(): Promise<() => Promise<void>> {
  // `npm test` installs and starts an engine where it may; here only one that is there counts.
  const docker = await dockerForTests({ DOCKER_HOST: process.env.DOCKER_HOST });
  if ('missing' in docker) {
    process.env.SOLSTICE_TEST_DOCKER = 'missing';
    return async () => undefined;
  }
  process.env.DOCKER_HOST = docker.dockerHost;
  const images = await makeTestImages(docker.dockerHost);
  return async () => {
    await images.remove();
  };
}
