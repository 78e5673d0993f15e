// Makes the one file that travels into every worker: CommonJS, no native parts, nothing beside it needed.
import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { runnerBundlePath } from './bundle.mjs';

/** Puts a source file and all that it imports into one CommonJS file. Several at once are fine: the finished file is moved into place. `alias`: other files for what is imported, for tests. */
export async function bundleToFile(entryPoint, file, { alias = {} } = {}) {
  const result = await build({
    entryPoints: [entryPoint],
    bundle: true,
    write: false,
    outfile: file,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minify: true,
    legalComments: 'none',
    conditions: ['solstice-source'],
    alias,
    logLevel: 'warning',
  });
  const [bundle] = result.outputFiles;
  mkdirSync(dirname(file), { recursive: true });
  const unfinished = `${file}.${randomBytes(4).toString('hex')}`;
  writeFileSync(unfinished, bundle.contents);
  renameSync(unfinished, file);
}

/** Builds `runnerBundlePath` and gives it. */
export async function buildRunner() {
  await bundleToFile(fileURLToPath(new URL('src/main.ts', import.meta.url)), runnerBundlePath);
  return runnerBundlePath;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildRunner();
