export * from './gen/solstice/runner/v1/runner.js';
