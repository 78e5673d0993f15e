import { type OutputFile, problemOfOutput } from '@solstice/common/rpc';
import { NoOutput, readOutputFile } from './output-file.js';

/** What the job hands on, by name. */
export class JobOutputs {
  readonly #values = new Map<string, string>();

  get values(): Record<string, string> {
    return Object.fromEntries(this.#values);
  }

  /** Undefined: it is set. Else a sentence for people, and nothing has changed. */
  set(name: string, value: string): string | undefined {
    const problem = problemOfOutput(this.values, name, value);
    if (problem === undefined) this.#values.set(name, value);
    return problem;
  }

  /** Takes these in. Gives what is wrong with those that could not be: a sentence each, and whether the file is only missing. */
  readFiles(files: readonly OutputFile[], workDirectory: string): { problem: string; missing: boolean }[] {
    return files.flatMap(({ name, path }) => {
      try {
        const problem = this.set(name, readOutputFile(workDirectory, path));
        return problem === undefined ? [] : [{ problem, missing: false }];
      } catch (error) {
        if (!(error instanceof NoOutput)) throw error;
        return [{ problem: `output ${name}: ${error.message}`, missing: error.missing }];
      }
    });
  }
}
