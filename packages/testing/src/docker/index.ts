export { type DockerEngine, type DockerForTests, dockerForTests, startDockerForTests } from './docker-for-tests.js';
