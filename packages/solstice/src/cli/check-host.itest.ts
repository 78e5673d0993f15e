import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseSettings } from '@solstice/common/config';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkHost } from './check-host.js';

const machine = { cpus: 8, memoryBytes: 40 * 1024 ** 3, hostname: 'Alder', uid: 0, home: '/root' };
const { host: settings } = parseSettings(undefined, undefined, {}, machine);

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'solstice-check-host-'));
  file = join(folder, 'host.kdl');
});
afterEach(() => rmSync(folder, { recursive: true }));

function check(text: string, format: 'human' | 'json' = 'human') {
  writeFileSync(file, text);
  let told = '';
  const code = checkHost({
    file,
    format,
    settings,
    color: false,
    out: (more) => {
      told += more;
    },
  });
  return { code, told };
}

describe('solstice check-host', () => {
  it('0: shows what would be registered, with what the settings say', () => {
    expect(check('host { pool "default" backend="container" image="debian:12" warm=1; }\n')).toEqual({
      code: 0,
      told: `host alder: 8 cpus, 32 GiB of memory, 8 jobs at a time

pool     backend    image      a job takes
default  container  debian:12  1 cpu, 4 GiB

${file}:1:61: warning: "warm" is not available yet [not-available-yet]
  1 | host { pool "default" backend="container" image="debian:12" warm=1; }
    |                                                             ^^^^
  hint: Each worker is made when its job comes.
`,
    });
  });

  it('1: shows each place that is wrong', () => {
    expect(check('host { pool "default" backend="contaner"; }\n')).toEqual({
      code: 1,
      told: `${file}:1:31: error: there is no backend "contaner" [unknown-backend]
  1 | host { pool "default" backend="contaner"; }
    |                               ^^^^^^^^^^
  hint: Did you mean "container"?
`,
    });
  });

  it('1: also when a pool does not fit what the settings say, which the file alone cannot tell', () => {
    const { code, told } = check('host { pool "default" backend="container" cpus=9; }\n');
    expect(code).toBe(1);
    expect(told).toContain(`${file}:1:8: error: a job of "default" takes 9 cpus, and the whole host has 8`);
  });

  it('gives the same to programs', () => {
    const good = check('host "birch" { pool "a" backend="process"; alias "b" "a"; }', 'json');
    const offer = { backend: 'process', cpus: 1, memoryBytes: 4 * 1024 ** 3 };
    expect({ ...good, told: JSON.parse(good.told) }).toEqual({
      code: 0,
      told: {
        file,
        host: {
          id: 'birch',
          capacity: { cpus: 8, memoryBytes: 32 * 1024 ** 3, slots: 8 },
          pools: [
            { name: 'a', ...offer },
            { name: 'b', ...offer },
          ],
        },
        diagnostics: [],
      },
    });
    const bad = check('host "birch" {}', 'json');
    expect({ ...bad, told: JSON.parse(bad.told) }).toMatchObject({
      code: 1,
      told: { host: null, diagnostics: [{ file, line: 1, column: 1, severity: 'error', code: 'no-pools' }] },
    });
  });

  it('refuses to guess about a file that it cannot read', () => {
    file = join(folder, 'none.kdl');
    const options = { file, format: 'human', settings, color: false, out: () => undefined } as const;
    expect(() => checkHost(options)).toThrow(
      expect.objectContaining({ code: 'usage', message: `${file} cannot be read (ENOENT)` }),
    );
  });
});
