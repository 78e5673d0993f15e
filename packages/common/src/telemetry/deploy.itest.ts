import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { provide, temporaryDirectory } from '@solstice/testing';
import { describe, expect, it } from 'vitest';
import { readDashboard } from './testing/dashboard.js';

const run = promisify(execFile);
const deploy = fileURLToPath(new URL('../../../../deploy/', import.meta.url));
const missing = await provide({ name: 'promtool', programs: ['promtool'], packages: ['prometheus'] });

const promtool = async (...args: string[]): Promise<string> =>
  (await run('promtool', args, { cwd: join(deploy, 'prometheus') })).stdout;

describe.skipIf(missing !== undefined)('what deploy/ has for Prometheus and Grafana', () => {
  it('alert rules are rules', async () => {
    expect(await promtool('check', 'rules', '--lint=all', '--lint-fatal', 'alerts.yml')).toContain('SUCCESS');
  });

  it('each alert fires when it should, and not before', async () => {
    expect(await promtool('test', 'rules', 'alerts.test.yml')).toContain('SUCCESS');
  });

  it('the example of a configuration is one', async () => {
    expect(await promtool('check', 'config', 'prometheus.yml')).toContain('SUCCESS');
  });

  it('every question of the dashboard is one that Prometheus understands', async (context) => {
    const { expressions } = readDashboard(readFileSync(join(deploy, 'grafana/solstice.json'), 'utf8'));
    const directory = await temporaryDirectory();
    context.onTestFinished(() => directory.remove());
    const rules = expressions.map((expression, index) => ({
      record: `dashboard:question:${index}`,
      expr: expression.replaceAll('$__rate_interval', '1m'),
    }));
    const file = join(directory.path, 'dashboard.json');
    // JSON is YAML too.
    await writeFile(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
    expect(await promtool('check', 'rules', '--lint=none', file)).toContain(`${rules.length} rules found`);
  });
});
