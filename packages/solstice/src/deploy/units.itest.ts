import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { provide, temporaryDirectory } from '@solstice/testing';
import { describe, expect, test } from 'vitest';

const run = promisify(execFile);
const directory = fileURLToPath(new URL('../../../../deploy/systemd', import.meta.url));
const units = readdirSync(directory).filter((name) => name.endsWith('.service'));
const read = (name: string) => readFileSync(join(directory, name), 'utf8');
const missing = await provide({ name: 'systemd', programs: ['systemd-analyze'], packages: ['systemd'] });

describe('systemd units', () => {
  test('are there for a fleet and for one machine', () => {
    expect(units.sort()).toEqual(['solstice-forge.service', 'solstice-orchestrator.service', 'solstice.service']);
  });

  test.each(['solstice-orchestrator.service', 'solstice.service'])('%s leaves its workers alone', (name) => {
    const unit = read(name);
    expect(unit).toMatch(/^KillMode=process$/m);
    // A process that takes workers up has to see the same files as they do.
    expect(unit).not.toMatch(/^(PrivateTmp|PrivateMounts|DynamicUser|RuntimeDirectory)=/m);
  });

  test.each(units)('%s has more time to stop than it asks for, and secrets only as credentials', (name) => {
    const unit = read(name);
    expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1])).toBeGreaterThan(30);
    expect(unit).not.toMatch(/(PASSWORD|TOKEN|SECRET)(?!\w*_FILE)\w*=/);
    for (const [, credential] of unit.matchAll(/=%d\/([\w-]+)/g)) {
      expect(unit).toMatch(new RegExp(`^LoadCredential=${credential}:`, 'm'));
    }
  });

  test.skipIf(missing !== undefined).each(units)('%s is what systemd understands', async (name) => {
    await using temporary = await temporaryDirectory();
    const unit = join(temporary.path, name);
    // The programs and the user are not on this machine.
    const text = read(name)
      .replace('/usr/bin/solstice', '/bin/true')
      .replace(/^(User|Group)=.*$/gm, '');
    writeFileSync(unit, text);
    const { stderr } = await run('systemd-analyze', ['verify', '--man=no', unit]);
    expect(stderr.split('\n').filter((line) => line.includes(name))).toEqual([]);
  });
});
