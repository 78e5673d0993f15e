export { type CronProblem, readCron } from './cron.js';
export { nextTick, Schedule } from './ticks.js';
export { checkTimeZone } from './zone.js';
