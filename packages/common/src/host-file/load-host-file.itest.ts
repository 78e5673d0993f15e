import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadHostFile } from './index.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'solstice-host-file-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function written(content: string | Uint8Array): string {
  const path = join(folder, 'host.kdl');
  writeFileSync(path, content);
  return path;
}

it('gives the host', () => {
  const path = written('\ufeffhost "alder" { pool "default" backend="process"; }\r\n');
  expect(loadHostFile(path)).toMatchObject({ file: path, id: 'alder', pools: [{ name: 'default' }], warnings: [] });
});

it('says every place that is wrong, as check-host does', () => {
  const path = written('host "alder" {\n    pool "a" backend="contaner"\n    alias "b" "c"\n}\n');
  let thrown: unknown;
  try {
    loadHostFile(path);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({
    code: 'host-file-invalid',
    message: `the host file is wrong:
${path}:2:22: error: there is no backend "contaner" [unknown-backend]
  2 |     pool "a" backend="contaner"
    |                      ^^^^^^^^^^
  hint: Did you mean "container"?

${path}:3:15: error: there is no pool "c" in this file [unknown-pool]
  3 |     alias "b" "c"
    |               ^^^
  hint: Did you mean "a"?`,
  });
});

it.each([
  ['no text', Buffer.from([0xff, 0xfe, 0x41]), 'not-utf8'],
  ['too large', 'a'.repeat(256 * 1024 + 1), 'file-too-large'],
])('refuses what is %s', (_, content, code) => {
  expect(() => loadHostFile(written(content))).toThrow(`[${code}]`);
});

it('names a file that is not there', () => {
  expect(() => loadHostFile(join(folder, 'none.kdl'))).toThrow('none.kdl cannot be read (ENOENT)');
});
