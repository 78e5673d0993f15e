import { execFile } from 'node:child_process';
import { access, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const INSTALL_DEADLINE_MS = 10 * 60_000;
/** Where Debian has the scripts themselves; those in /usr/sbin change to the user rabbitmq and to its folders. */
const DEBIAN_SCRIPTS = '/usr/lib/rabbitmq/bin';

type Environment = Record<string, string | undefined>;

/**
 * The folder of rabbitmq-server and rabbitmqctl: the one of SOLSTICE_TEST_RABBITMQ (the `sbin` of an unpacked release,
 * say, to test with another version), or Debian's; with CI=true or SOLSTICE_TEST_INSTALL=1, as root on Debian, it is
 * installed first. Else one line that says what is missing.
 */
export async function rabbitPrograms(
  environment: Environment = process.env,
): Promise<{ scripts: string } | { missing: string }> {
  const chosen = environment.SOLSTICE_TEST_RABBITMQ;
  if (chosen !== undefined && chosen !== '') {
    if (await isComplete(chosen)) return { scripts: chosen };
    return { missing: `no rabbitmq-server in SOLSTICE_TEST_RABBITMQ=${chosen}` };
  }
  if (await isComplete(DEBIAN_SCRIPTS)) return { scripts: DEBIAN_SCRIPTS };
  if (environment.CI !== 'true' && environment.SOLSTICE_TEST_INSTALL !== '1') {
    return { missing: 'RabbitMQ is not installed (SOLSTICE_TEST_INSTALL=1 installs it, as root on Debian)' };
  }
  if (process.getuid?.() !== 0) return { missing: 'RabbitMQ is not installed, and only root can install it' };
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  if (!/^ID(_LIKE)?=.*debian/m.test(release)) return { missing: 'RabbitMQ is not installed, and this is not Debian' };
  await install();
  return { scripts: DEBIAN_SCRIPTS };
}

async function isComplete(scripts: string): Promise<boolean> {
  const looks = ['rabbitmq-server', 'rabbitmqctl'].map((program) => access(path.join(scripts, program)));
  return await Promise.all(looks).then(
    () => true,
    () => false,
  );
}

async function install(): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const settings = { env, timeout: INSTALL_DEADLINE_MS, maxBuffer: 64 * 1024 * 1024 };
  await run('apt-get', ['update', '-q'], settings).catch(() => undefined);
  await run('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'rabbitmq-server'], settings);
}
