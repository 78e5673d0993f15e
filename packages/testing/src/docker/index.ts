export { type DockerEngine, type DockerForTests, dockerForTests } from './docker-for-tests.js';
export { makeTestImages, type TestImages, type TestImagesOptions } from './test-images.js';
