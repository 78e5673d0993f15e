export * from './gen/solstice/runner/v1/runner.js';
export { PROTOCOL, WATCHDOG_SINCE_MINOR } from './protocol.js';
