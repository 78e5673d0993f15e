// `npm run bench` (or `pnpm bench`): what a run costs as it grows, in memory and against PostgreSQL. Prints medians
// beside a baseline of the same run; it judges nothing, because a busy machine is no failure.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const common = fileURLToPath(new URL('../packages/common', import.meta.url));
const { build } = createRequire(join(common, 'package.json'))('esbuild');

// As deep as a module of ours, and beside its libraries, which stay outside of the bundle.
const directory = join(common, 'dist', 'bench', 'run');
const outfile = join(directory, 'bench.mjs');
mkdirSync(directory, { recursive: true });
try {
  await build({
    entryPoints: [join(common, 'src/store/testing/bench.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['solstice-source'],
    logLevel: 'warning',
    plugins: [
      {
        name: 'libraries-outside',
        setup({ onResolve }) {
          onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
            kind === 'entry-point' || path.startsWith('@solstice/common') ? undefined : { path, external: true },
          );
        },
      },
    ],
  });
  const { status } = spawnSync(process.execPath, [outfile], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} finally {
  rmSync(join(common, 'dist', 'bench'), { recursive: true, force: true });
}
