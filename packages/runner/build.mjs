// Makes the one file that travels into every worker: CommonJS, no native parts, nothing beside it needed.
import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { runnerBundlePath } from './bundle.mjs';

/** Builds `runnerBundlePath` and gives it. Several at once are fine: the finished file is moved into place. */
export async function buildRunner() {
  const result = await build({
    entryPoints: [fileURLToPath(new URL('src/main.ts', import.meta.url))],
    bundle: true,
    write: false,
    outfile: runnerBundlePath,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minify: true,
    keepNames: false,
    legalComments: 'none',
    conditions: ['solstice-source'],
    logLevel: 'warning',
  });
  const [bundle] = result.outputFiles;
  mkdirSync(dirname(runnerBundlePath), { recursive: true });
  const unfinished = `${runnerBundlePath}.${randomBytes(4).toString('hex')}`;
  writeFileSync(unfinished, bundle.contents);
  renameSync(unfinished, runnerBundlePath);
  return runnerBundlePath;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildRunner();
