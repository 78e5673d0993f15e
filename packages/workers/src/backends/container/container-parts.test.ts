import { describe, expect, it } from 'vitest';
import { withoutFrames } from './container-exit.js';
import { connectDocker, parseDockerHost } from './docker-connection.js';
import { engineFailure } from './docker-errors.js';
import { parseLoaderList } from './shared-libraries.js';

describe('the address of the engine', () => {
  it('is a unix socket', () => {
    expect(parseDockerHost(undefined)).toEqual({ socketPath: '/var/run/docker.sock' });
    expect(parseDockerHost('unix:///run/user/1000/docker.sock')).toEqual({
      socketPath: '/run/user/1000/docker.sock',
    });
    expect(parseDockerHost('/x/docker.sock')).toEqual({ socketPath: '/x/docker.sock' });
  });

  it.each(['tcp://host:2376', 'ssh://me@host', 'host:2375', 'npipe:////./pipe/docker_engine'])(
    'is not %s',
    (address) => {
      expect(connectDocker(address).unsupported).toContain('not available yet');
    },
  );
});

describe('what a loader lists', () => {
  it('is names and paths, without the kernel’s own and the loader', () => {
    const text = [
      '\tlinux-vdso.so.1 (0x00007f7c9c65b000)',
      '\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f7c9c13e000)',
      '\t/lib64/ld-linux-x86-64.so.2 (0x00007f7c9c65d000)',
    ].join('\n');
    expect(parseLoaderList(text)).toEqual([{ name: 'libc.so.6', path: '/lib/x86_64-linux-gnu/libc.so.6' }]);
  });

  it('is an error when a library is missing', () => {
    expect(() => parseLoaderList('\tlibz.so.1 => not found')).toThrow('libz.so.1 is missing');
  });
});

describe('why the engine refused', () => {
  const refusal = (statusCode: number, message: string) =>
    Object.assign(new Error('(HTTP)'), { statusCode, json: { message } });
  const broken = (code: string, more: object = {}) => Object.assign(new Error(`connect ${code}`), { code, ...more });

  it.each<[string, Error]>([
    ['host-full', refusal(500, 'write /var/lib/docker/tmp/x: no space left on device')],
    ['host-full', refusal(500, 'could not find an available, non-overlapping IPv4 address pool among the defaults')],
    ['host-full', refusal(400, 'all predefined address pools have been fully subscribed')],
    ['host-full', refusal(400, 'Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available')],
    ['host-full', refusal(500, 'runc create failed: fork/exec /proc/self/exe: cannot allocate memory')],
    ['backend-unavailable', broken('ECONNREFUSED', { syscall: 'connect' })],
    ['backend-unavailable', broken('ENOENT', { syscall: 'connect' })],
    ['backend-unavailable', broken('ECONNRESET')],
    ['worker-failed', refusal(500, 'error while creating mount source path')],
    ['worker-failed', broken('ENOENT', { syscall: 'open' })],
  ])('is %s', (code, thrown) => {
    expect(engineFailure('worker w', thrown, 'worker-failed').code).toBe(code);
  });
});

describe('a container’s log', () => {
  const frame = (stream: number, text: string): Buffer => {
    const head = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
    head.writeUInt32BE(Buffer.byteLength(text), 4);
    return Buffer.concat([head, Buffer.from(text)]);
  };

  it('is text without the heads of its pieces, also when cut short', () => {
    const log = Buffer.concat([frame(1, 'one\n'), frame(2, 'zwei ü\n')]);
    expect(withoutFrames(log)).toBe('one\nzwei ü\n');
    expect(withoutFrames(log.subarray(0, log.length - 3))).toMatch(/^one\nzwei/);
    expect(withoutFrames(Buffer.from([1, 0, 0]))).toBe('');
  });
});
