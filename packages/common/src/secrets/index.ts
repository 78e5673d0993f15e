export { createSealer, loadOrCreateKey, type Sealer } from './seal.js';
