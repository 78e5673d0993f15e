export { describeSettings, formatAddress } from './describe-settings.js';
export type { Environment } from './environment.js';
export { type LoadSettingsOptions, loadSettings, thisMachine } from './load-settings.js';
export { type Machine, parseSettings } from './parse-settings.js';
export { defaultCloneUrl } from './read-forges.js';
export * from './settings.js';
