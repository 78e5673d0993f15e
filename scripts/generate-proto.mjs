// Generates packages/common/src/rpc/gen from proto/. `--check` says whether the committed files are current.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const buf = `${root}node_modules/.bin/buf`;
const run = (command, args, cwd) => execFileSync(command, args, { cwd, stdio: 'inherit' });

run(buf, ['lint'], `${root}proto`);
run(buf, ['generate'], `${root}proto`);
if (process.argv.includes('--check')) {
  const changed = execFileSync('git', ['status', '--porcelain', 'packages/common/src/rpc/gen'], {
    cwd: root,
    encoding: 'utf8',
  });
  if (changed.trim() !== '') {
    console.error(`proto/ and the generated code differ: run "npm run proto" and commit the result.\n${changed}`);
    process.exit(1);
  }
}
