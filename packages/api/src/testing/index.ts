export { type Served, type ServeOptions, serve } from './serve.js';
export { type PlanOptions, Worker, World } from './world.js';
