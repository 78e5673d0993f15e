/** Where `build.mjs` puts the runner: one CommonJS file, started with `node <it> --boot <file>`. */
export declare const runnerBundlePath: string;
