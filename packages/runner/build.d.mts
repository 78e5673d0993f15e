/** Builds `runnerBundlePath` and gives it. Several at once are fine: the finished file is moved into place. */
export declare function buildRunner(): Promise<string>;
