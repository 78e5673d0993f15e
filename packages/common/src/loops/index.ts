export { BackgroundLoop, type BackgroundLoopOptions } from './background-loop.js';
export { combine, type PartHealth } from './part-health.js';
export { pause } from './pause.js';
export { unlessAborted } from './unless-aborted.js';
