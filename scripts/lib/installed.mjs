// Says whether node_modules is what the lock file says, so that a setup with nothing to do takes no time.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './root.mjs';

const stampFile = join(root, 'node_modules/.solstice-setup');

function packageFolders() {
  const folders = readdirSync(join(root, 'packages')).map((name) => `packages/${name}`);
  return [...folders, 'e2e'].filter((folder) => existsSync(join(root, folder, 'package.json'))).sort();
}

function stamp() {
  const hash = createHash('sha256').update(`${process.version} ${process.arch} ${root}\n`);
  const files = ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', '.npmrc'];
  for (const file of [...files, ...packageFolders().map((folder) => `${folder}/package.json`)]) {
    hash.update(`${file}\n`).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

export function isInstalled() {
  const isThere = existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp();
  return isThere && packageFolders().every((folder) => existsSync(join(root, folder, 'node_modules')));
}

export function markInstalled() {
  writeFileSync(stampFile, stamp());
}
