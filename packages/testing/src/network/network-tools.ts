import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { provide } from '../debian-packages.js';

const exec = promisify(execFile);

/** Undefined: this process can make network namespaces. Else one line that says what is missing. */
export async function missingForNetworkLab(environment?: Record<string, string | undefined>) {
  const wanted = {
    name: 'a network of namespaces',
    programs: ['ip', 'iptables', 'nsenter'],
    packages: ['iproute2', 'iptables', 'util-linux'],
  };
  return provide(wanted, environment);
}

/** Rejects with what the command said. */
export async function run(command: string, ...args: string[]): Promise<string> {
  const { stdout } = await exec(command, args, { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' } });
  return stdout;
}

/**
 * A command that runs in a network namespace and is the same in all else. Not `ip netns exec`: that mounts another /sys,
 * and a host looks at its control groups there.
 */
export function inNamespace(namespace: string, command: string, args: readonly string[]): [string, string[]] {
  return ['nsenter', [`--net=/run/netns/${namespace}`, '--', command, ...args]];
}

export async function runIn(namespace: string, command: string, ...args: string[]): Promise<string> {
  const [program, all] = inNamespace(namespace, command, args);
  return run(program, ...all);
}

export async function namespaces(): Promise<string[]> {
  return (await run('ip', 'netns', 'list'))
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
    .filter((name) => name !== '');
}
