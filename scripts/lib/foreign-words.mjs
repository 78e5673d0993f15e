import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { run } from './commands.mjs';
import { root } from './root.mjs';

/** What belongs to one machine or one network, and so not into the tree. */
const patterns = [
  { what: 'a path of one machine', pattern: /\/work\/(?:main|shared)\b|\/home\/(?!ada\b)[a-z]+\// },
  {
    what: "a package registry's address",
    pattern: /\b(?:registry\.npmjs|npmjs\.(?:org|com)|pypi\.org|static\.crates)\b/,
  },
  { what: 'a Debian mirror', pattern: /\b(?:deb|security|archive)\.(?:debian|ubuntu)\.(?:org|com)\b/ },
];

/** Finds them in everything that is, or would be, committed. */
export async function checkForeignWords() {
  const all = [...patterns];
  for (const path of [root, homedir()]) {
    // "/" and "/root" are not this machine's alone.
    if (path.split('/').length > 2) {
      all.push({ what: 'a path of this machine', pattern: new RegExp(`${escapeRegExp(path)}\\b`) });
    }
  }
  const { code, output } = await run('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z']);
  if (code !== 0) {
    return { code, output };
  }
  const found = [];
  for (const file of new Set(output.split('\0').filter((name) => name !== ''))) {
    const text = readText(join(root, file));
    for (const { what, pattern } of all) {
      const match = pattern.exec(text);
      if (match !== null) {
        found.push(`${file}:${text.slice(0, match.index).split('\n').length}: ${what}: ${match[0]}`);
      }
    }
  }
  return { code: found.length === 0 ? 0 : 1, output: found.join('\n') };
}

/** Nothing for what is deleted but not committed yet, for a link to nowhere, and for binary files. */
function readText(path) {
  try {
    const text = readFileSync(path, 'utf8');
    return text.includes('\0') ? '' : text;
  } catch {
    return '';
  }
}

function escapeRegExp(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
