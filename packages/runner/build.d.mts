/** Builds `runnerBundlePath` and gives it. Several at once are fine: the finished file is moved into place. */
export declare function buildRunner(): Promise<string>;
/** Puts a source file and all that it imports into one CommonJS file. Several at once are fine, as above. `alias`: other files for what is imported, for tests. */
export declare function bundleToFile(
  entryPoint: string,
  file: string,
  options?: { alias?: Record<string, string> },
): Promise<void>;
