export { BackgroundLoop, type BackgroundLoopOptions } from './background-loop.js';
export { type Clock, systemClock } from './clock.js';
export { combine, type PartHealth } from './part-health.js';
export { pause } from './pause.js';
export { unlessAborted } from './unless-aborted.js';
