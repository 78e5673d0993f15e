import { execFile } from 'node:child_process';
import { cpSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseSettings } from '@solstice/common/config';
import { provide, type TemporaryDirectory, temporaryDirectory } from '@solstice/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseRoles } from '../roles/names.js';
import { assertFleetSettings } from '../serve/required-settings.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../..', import.meta.url));
const text = (file: string) => readFileSync(join(root, file), 'utf8');
const machine = { cpus: 4, memoryBytes: 8e9, hostname: 'alder', uid: 0, home: '/root' };
const compose = text('docker-compose.yml');
const missing = await provide({ name: 'docker-compose', programs: ['docker-compose'], packages: ['docker-compose'] });

let directory: TemporaryDirectory;
beforeEach(async () => {
  directory = await temporaryDirectory();
  cpSync(join(root, 'docker-compose.yml'), join(directory.path, 'docker-compose.yml'));
  cpSync(join(root, 'deploy/compose'), join(directory.path, 'deploy/compose'), {
    recursive: true,
    filter: (path) => basename(path) !== 'secrets',
  });
});
afterEach(() => directory.remove());

const prepare = () =>
  run(join(directory.path, 'deploy/compose/prepare.sh'), {
    env: { PATH: process.env.PATH, SOLSTICE_STATE: join(directory.path, 'state') },
  });
const secretFile = (name: string) => join(directory.path, 'deploy/compose/secrets', name);

describe('docker-compose.yml', () => {
  test('names images by one exact version, and nothing that the docker-compose of Debian 12 refuses', () => {
    const images = [...compose.matchAll(/^\s*image: (.*)$/gm)].map(([, image]) => image);
    expect(images.length).toBeGreaterThanOrEqual(3);
    for (const image of images) expect(image).toMatch(/^[\w./-]+:\d+\.\d+(\.\d+)?(@sha256:[0-9a-f]{64})?$/);
    expect(compose).not.toMatch(/^(name|version):/m);
  });

  test('holds no secret, and lets every service be asked how it is', () => {
    expect(compose).not.toMatch(/(PASSWORD|SECRET|TOKEN|_URL)\w*: (?!\/run\/secrets\/)/);
    expect(compose.match(/healthcheck:/g)).toHaveLength(2);
    expect(text('Dockerfile')).toMatch(/^HEALTHCHECK .*\/solstice\/healthcheck\.mjs/m);
    for (const service of ['postgres', 'rabbitmq', 'forge', 'orchestrator-1', 'orchestrator-2']) {
      expect(compose).toMatch(new RegExp(`^  ${service}:$`, 'm'));
    }
  });

  test('gives a host’s state the same path on the machine and inside: its workers are containers beside it', () => {
    for (const host of ['host-1', 'host-2']) {
      const path = `/var/lib/solstice/${host}`;
      expect(compose).toContain(`SOLSTICE_DATA_DIR: ${path}\n`);
      expect(compose).toContain(`- ${path}:${path}\n`);
    }
  });

  test('publishes nothing beyond this machine', () => {
    const ports = [...compose.matchAll(/^\s+- "([\d.:]+)"$/gm)].map(([, port]) => port);
    expect(ports).toEqual(['127.0.0.1:8420:8420', '127.0.0.1:8421:8421']);
  });

  test.skipIf(missing !== undefined)('is what docker-compose 1.29 understands', async () => {
    await prepare();
    writeFileSync(secretFile('forge-token'), 'token', { mode: 0o400 });
    const { stdout } = await run('docker-compose', ['config'], { cwd: directory.path });
    expect(stdout).toMatch(/orchestrator-2:[\s\S]*SOLSTICE_HOST_ID: host-2/);
    expect(stdout).toMatch(/condition: service_healthy/);
  });
});

describe.skipIf(process.getuid?.() !== 0)('prepare.sh', () => {
  test('makes every secret but the one that only the forge has, each for its reader alone; a second time nothing changes', async () => {
    const said = (await prepare()).stdout;
    expect(said).toContain('forge-token');
    const files = [...compose.matchAll(/file: \.\/deploy\/compose\/secrets\/(\S+)/g)].map(([, name]) => name ?? '');
    expect(files).toContain('forge-token');
    const before = new Map<string, string>();
    for (const name of files.filter((each) => each !== 'forge-token')) {
      before.set(name, readFileSync(secretFile(name), 'utf8'));
      const { mode, uid } = statSync(secretFile(name));
      const reader = name === 'postgres-password' || name === 'rabbitmq.conf' ? 0 : 10_001;
      expect([name, mode & 0o777, uid]).toEqual([name, name === 'rabbitmq.conf' ? 0o444 : 0o400, reader]);
    }
    expect(statSync(join(secretFile('x'), '..')).mode & 0o777).toBe(0o700);
    expect(new Set(before.values()).size).toBe(before.size);
    await prepare();
    for (const [name, content] of before) expect(readFileSync(secretFile(name), 'utf8')).toBe(content);
  });

  test('with it the settings of both kinds of nodes are whole, and nothing is warned of but the plain operator API', async () => {
    await prepare();
    const secrets: Record<string, string> = { 'operator-token': 'operator.token', 'secret-key': 'secret.key' };
    const read = (path: string) => {
      const name = basename(path);
      if (name === 'forge-token') return { text: 'token\n', mode: 0o400 };
      const file = secretFile(secrets[name] ?? name);
      return { text: readFileSync(file, 'utf8'), mode: statSync(file).mode & 0o777 };
    };
    const settingsOf = (name: string) => {
      const file = join(directory.path, 'deploy/compose', name);
      return parseSettings(readFileSync(file, 'utf8'), file, {}, machine, read);
    };
    const forge = settingsOf('forge.kdl');
    expect(forge.warnings).toEqual([expect.stringContaining('operator API speaks plain HTTP')]);
    assertFleetSettings(forge, parseRoles('forge,api'));
    expect(forge.databaseUrl?.reveal()).toMatch(/^postgres:\/\/solstice:[0-9a-f]{64}@postgres:5432\/solstice$/);
    expect(forge.queue?.url.reveal()).toMatch(/^amqp:\/\/solstice:[0-9a-f]{64}@rabbitmq:5672$/);
    expect(readFileSync(secretFile('rabbitmq.conf'), 'utf8')).toContain(
      new URL(forge.queue?.url.reveal() ?? '').password,
    );
    const orchestrator = settingsOf('orchestrator.kdl');
    expect(orchestrator.warnings).toEqual([]);
    assertFleetSettings(orchestrator, parseRoles('orchestrator'));
  });
});

describe('Dockerfile', () => {
  const file = text('Dockerfile');

  test('starts from one exact version, adds no files from elsewhere, and ends as a user without rights', () => {
    expect(file).toMatch(/^ARG BASE=node:\d+\.\d+\.\d+-bookworm-slim$/m);
    const stages = [...file.matchAll(/^FROM (\S+) AS (\w+)$/gm)].map(([, from, name]) => ({ from, name }));
    expect(stages[0]).toEqual({ from: '${BASE}', name: 'base' });
    for (const [index, { from }] of stages.entries()) {
      if (index > 0) expect(stages.slice(0, index).map(({ name }) => name)).toContain(from);
    }
    expect(file).not.toMatch(/^ADD |:latest|--mount=|# syntax=/m);
    expect(file.match(/^USER .*$/gm)).toEqual(['USER 10001:10001']);
    expect(file).toMatch(/apt-get install -y --no-install-recommends/);
    expect(file).toMatch(/rm -rf \/var\/lib\/apt\/lists\/\*/);
    expect(file).toMatch(/pnpm install --frozen-lockfile --prod/);
    expect(file).not.toMatch(/^(ENTRYPOINT|CMD|HEALTHCHECK .*CMD) (?!\[)/m);
  });

  test('has neither secrets, nor history, nor what was built outside in its context', () => {
    const ignored = text('.dockerignore').split('\n');
    for (const path of ['deploy/compose/secrets', '.git', '**/node_modules', '**/dist']) {
      expect(ignored).toContain(path);
    }
    expect(text('.gitignore')).toContain('deploy/compose/secrets/');
  });
});
