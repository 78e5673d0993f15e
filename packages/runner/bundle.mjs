import { fileURLToPath } from 'node:url';

/** Where `build.mjs` puts the runner: one CommonJS file, started with `node <it> --boot <file>`. */
export const runnerBundlePath = fileURLToPath(new URL('dist/runner.cjs', import.meta.url));
