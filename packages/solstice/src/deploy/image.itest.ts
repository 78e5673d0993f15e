import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { dockerForTests } from '@solstice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeBaseImage } from './testing/base-image.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../..', import.meta.url));
/** It takes a minute or two: for CI, and for who asks for it. */
const wanted = process.env.CI === 'true' || process.env.SOLSTICE_TEST_INSTALL === '1';
const engine = wanted ? await dockerForTests() : { missing: 'not asked for' };

describe.skipIf('missing' in engine)('the image', () => {
  const dockerHost = 'missing' in engine ? '' : engine.dockerHost;
  const suffix = `${process.pid}`;
  const label = `solstice.test=${suffix}`;
  const base = `solstice-test/base:${suffix}`;
  const image = `solstice-test/image:${suffix}`;
  const docker = (...args: string[]) =>
    run('docker', args, {
      cwd: root,
      // The builder that every engine has; Debian's has no other.
      env: { PATH: process.env.PATH, HOME: process.env.HOME, DOCKER_HOST: dockerHost, DOCKER_BUILDKIT: '0' },
      maxBuffer: 64 * 1024 * 1024,
    });

  beforeAll(async () => {
    await makeBaseImage(dockerHost, { tag: base, label, root });
    const args = ['--build-arg', `BASE=${base}`, '--build-arg', 'INSTALL_OPTIONS=--offline'];
    await docker('build', '--force-rm', ...args, '--tag', image, '.');
  }, 900_000);
  afterAll(async () => {
    if ('missing' in engine) return;
    // One of them is not there if it could not be made.
    await docker('image', 'rm', '--force', image, base).catch(() => undefined);
    // The stages before the last have no name.
    await docker('image', 'prune', '--force', '--filter', `label=${label}`);
    const { stdout } = await docker('images', '--all', '--quiet', '--filter', `label=${label}`);
    await engine.stop();
    expect(stdout, 'images that are left').toBe('');
  }, 120_000);

  test('runs every command as a user without rights', async () => {
    expect((await docker('run', '--rm', image, 'serve', '--help')).stdout).toContain('a node of a fleet');
    expect((await docker('run', '--rm', '--entrypoint', 'ciadm', image, '--help')).stdout).toContain('ciadm');
    const inside = (script: string) => docker('run', '--rm', '--entrypoint', 'sh', image, '-ec', script);
    expect((await inside('id')).stdout).toMatch(/^uid=10001\(solstice\) gid=10001/);
    await expect(inside('touch /solstice/package.json')).rejects.toThrow(/denied/i);
    await inside('touch "$SOLSTICE_DATA_DIR/x"');
  });

  test('has what it runs with, and nothing that it was made or tested with', async () => {
    const list =
      'cd /solstice; command -v git ssh flock node; ls -d packages/*/src node_modules/.pnpm/* 2>/dev/null; ls migrations';
    const { stdout } = await docker('run', '--rm', '--entrypoint', 'sh', image, '-c', list);
    expect(stdout).toMatch(/\/pg@/);
    expect(stdout).toContain('000001_create_repositories_and_deliveries.sql');
    expect(stdout).not.toMatch(/typescript|vitest|biome|esbuild|\/src$/m);
  });

  test('serves nothing without settings, and says which; its health check says that nobody answers', async () => {
    const { stdout: id } = await docker('run', '--detach', image, 'serve', '--roles', 'forge');
    expect((await docker('wait', id.trim())).stdout.trim()).toBe('1');
    const { stderr } = await docker('logs', id.trim());
    for (const setting of ['database_url_file', 'queue_url_file', 'secret_key_file']) expect(stderr).toContain(setting);
    await docker('rm', id.trim());
    const check = docker('run', '--rm', '--entrypoint', 'node', image, '/solstice/healthcheck.mjs');
    await expect(check).rejects.toMatchObject({ code: 1, stdout: expect.stringContaining('ECONNREFUSED') });
  });

  test('its health check is the process’s own word', async () => {
    const settings = [
      '--env',
      'SOLSTICE_DATABASE_URL=postgres://u@127.0.0.1:1/x',
      '--env',
      'SOLSTICE_QUEUE_URL=amqp://127.0.0.1:1',
    ];
    const { stdout: id } = await docker('run', '--detach', ...settings, image, 'serve', '--roles', 'relay');
    try {
      const answer = await docker(
        'exec',
        id.trim(),
        'sh',
        '-c',
        'until node /solstice/healthcheck.mjs | grep starting; do :; done',
      );
      expect(JSON.parse(answer.stdout)).toMatchObject({
        status: 'not ready',
        reason: expect.stringMatching(/database/),
      });
      await docker('stop', '--time', '30', id.trim());
      expect((await docker('inspect', '--format', '{{.State.ExitCode}}', id.trim())).stdout.trim()).toBe('0');
    } finally {
      await docker('rm', '--force', id.trim());
    }
  });
});
