// Writes docs/settings.md, docs/errors.md, docs/workflow.md and the tables of docs/host.md and docs/observability.md from the tables in packages/common; `--check` compares instead.
// The tests beside the tables hold the pages as file snapshots, so that there is one way to make them.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const tests = ['config', 'errors', 'host-file'].map((folder) => `packages/common/src/${folder}/reference-page.test.ts`);
tests.push('packages/common/src/telemetry/deploy.test.ts', 'packages/common/src/workflow/reference/page.test.ts');
const update = process.argv.includes('--check') ? [] : ['--update'];
const { status } = spawnSync(
  process.execPath,
  [`${root}node_modules/vitest/vitest.mjs`, 'run', '--project', 'unit', ...tests, ...update],
  // `--update` comes last: a path after it would be taken for its value. With CI set a missing snapshot is an error too.
  { cwd: root, stdio: 'inherit', env: { ...process.env, CI: update.length > 0 ? '' : 'true' } },
);
process.exit(status ?? 1);
