export { createSealer, loadKey, loadOrCreateKey, type Sealer } from './seal.js';
