import { execFile } from 'node:child_process';
import { readdir, readFile, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { connectDocker, ImageRoot, importImage, usualTools } from '@solstice/workers/backends';

const run = promisify(execFile);
const authorities = '/etc/ssl/certs/ca-certificates.crt';
/** What the Dockerfile and the product call, beside the usual tools. */
const programs = ['git', 'ssh', 'flock', 'node', 'bash', 'chown'];

/**
 * Makes a base image for the Dockerfile of this machine's own programs, and of the libraries that were installed before: no
 * image is pulled, and no network needed. Other than a Debian it has no package manager, and needs none.
 */
export async function makeBaseImage(
  dockerHost: string,
  { tag, label, root }: { tag: string; label: string; root: string },
): Promise<void> {
  const image = new ImageRoot();
  for (const tool of [...(await usualTools()), ...programs]) await image.addTool(tool);
  const npm = dirname(dirname(await realpath(join(dirname(process.execPath), 'npm'))));
  await addTree(image, npm, '/usr/lib/node_modules/npm');
  const pnpm = await pnpmOf(root);
  await addTree(image, pnpm.directory, '/usr/lib/node_modules/pnpm');
  await addTree(image, pnpm.store, `/root/.local/share/pnpm/store/${pnpm.storeVersion}`);
  image.addLink('/bin/npm', '/usr/lib/node_modules/npm/bin/npm-cli.js');
  image.addLink('/bin/pnpm', '/usr/lib/node_modules/pnpm/bin/pnpm.cjs');
  image.addLink('/usr/bin/env', '/bin/env');
  await image.addFile(authorities, authorities);
  await importImage(connectDocker(dockerHost), tag, image, [
    'ENV PATH=/usr/local/bin:/usr/bin:/bin',
    // Handed down to every stage that is built on it, also to those without a name.
    `LABEL ${label}`,
  ]);
}

/** pnpm and its store, as npx found them when this checkout was set up. */
async function pnpmOf(root: string): Promise<{ directory: string; store: string; storeVersion: string }> {
  const { packageManager } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    packageManager: string;
  };
  const npx = ['--yes', '--prefer-offline', `--package=${packageManager}`, '--call'];
  const { stdout } = await run('npx', [...npx, 'command -v pnpm && pnpm store path'], { cwd: root });
  const [program = '', store = ''] = stdout.trim().split('\n');
  return { directory: dirname(dirname(await realpath(program))), store, storeVersion: basename(store) };
}

async function addTree(image: ImageRoot, from: string, to: string): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const source = join(entry.parentPath, entry.name);
    await image.addFile(`${to}${source.slice(from.length)}`, source);
  }
}
