export type { LabHost } from './lab-host.js';
export { NetworkLab } from './network-lab.js';
export { missingForNetworkLab } from './network-tools.js';
