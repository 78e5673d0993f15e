// `npm run bench` (or `pnpm bench`): what a run costs as it grows, in memory, against PostgreSQL, and on real workers.
// Prints medians beside a baseline of the same run; it judges nothing, because a busy machine is no failure.
//
//   npm run bench               all of it
//   npm run bench -- engine     the engine in memory, and its commands against PostgreSQL
//   npm run bench -- matrix     1,000 jobs on the process backend
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from './lib/root.mjs';

const benches = {
  engine: { source: 'packages/common/src/store/testing/bench.ts', beside: 'packages/common/dist/bench/run' },
  matrix: { source: 'e2e/bench/matrix.ts', beside: 'e2e/bench' },
};

const { build } = createRequire(join(root, 'packages/common/package.json'))('esbuild');
/** What is installed stays outside of the bundle. */
const librariesOutside = {
  name: 'libraries-outside',
  setup({ onResolve }) {
    onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
      kind === 'entry-point' || path.startsWith('@solstice/common') ? undefined : { path, external: true },
    );
  },
};

const chosen = process.argv.slice(2);
const unknown = chosen.find((name) => !Object.hasOwn(benches, name));
if (unknown !== undefined) {
  console.error(`There is no bench "${unknown}". There are: ${Object.keys(benches).join(', ')}.`);
  process.exit(2);
}
for (const [name, bench] of Object.entries(benches)) {
  if (chosen.length === 0 || chosen.includes(name)) {
    process.exitCode ||= await run(bench);
  }
}

/** Bundled from the sources, into a file that lies as deep as they do: they look for others from where they are. */
async function run({ source, beside }) {
  const outfile = join(root, beside, `.bench-${process.pid}.mjs`);
  mkdirSync(join(root, beside), { recursive: true });
  try {
    await build({
      entryPoints: [join(root, source)],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      conditions: ['solstice-source'],
      logLevel: 'warning',
      plugins: [librariesOutside],
    });
    return spawnSync(process.execPath, [outfile], { stdio: 'inherit' }).status ?? 1;
  } finally {
    rmSync(outfile, { force: true });
  }
}
