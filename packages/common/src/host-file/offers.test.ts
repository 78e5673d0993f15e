import { describe, expect, it } from 'vitest';
import type { HostDescription } from './index.js';
import { fullCapacity, offersOf, readHostFile } from './index.js';

const GiB = 1024 ** 3;
const settings = { cpus: 16, memoryBytes: 48 * GiB, slots: 12 };

function hostOf(inside: string): HostDescription {
  const result = readHostFile(`host "alder" {\n${inside}\n}`, '/etc/solstice/host.kdl');
  if (!('host' in result)) throw new Error(JSON.stringify(result.diagnostics));
  return result.host;
}

function offers(inside: string, otherwise = settings) {
  const host = hostOf(inside);
  return offersOf(host, fullCapacity(host, otherwise));
}

describe('fullCapacity', () => {
  it('takes from the settings what the file leaves out', () => {
    const pool = 'pool "default" backend="container"';
    expect(fullCapacity(hostOf(pool), settings)).toEqual(settings);
    expect(fullCapacity(hostOf(`capacity slots=3 memory="6GiB"; ${pool}`), settings)).toEqual({
      cpus: 16,
      memoryBytes: 6 * GiB,
      slots: 3,
    });
  });
});

describe('offersOf', () => {
  it('gives a job what its pool says, else one cpu and a share of the memory', () => {
    expect(
      offers(`
        pool "small" backend="container" image="debian:12" cpus=0.5 memory="512MiB"
        pool "plain" backend="process"`),
    ).toEqual([
      { name: 'small', backend: 'container', image: 'debian:12', cpus: 0.5, memoryBytes: GiB / 2 },
      { name: 'plain', backend: 'process', image: undefined, cpus: 1, memoryBytes: 4 * GiB },
    ]);
  });

  it('counts the share by the capacity of the file', () => {
    expect(offers('capacity memory="10GiB" slots=3; pool "a" backend="container"')).toMatchObject([
      { memoryBytes: Math.floor((10 * GiB) / 3) },
    ]);
  });

  it('never takes more cpus by default than there are', () => {
    expect(offers('capacity cpus=0.5; pool "a" backend="container"')).toMatchObject([{ cpus: 0.5 }]);
  });

  it('offers an alias as its pool, under its own name, also * and default', () => {
    const [pool, ...aliases] = offers(`
      alias "default" "linux"
      pool "linux" backend="container" image="debian:12" trusted-only
      alias "*" "linux"`);
    expect(pool).toMatchObject({ name: 'linux', trustedOnly: true });
    expect(aliases).toEqual([
      { ...pool, name: 'default' },
      { ...pool, name: '*' },
    ]);
  });

  it('refuses shares that no job could start with', () => {
    const small = { cpus: 4, memoryBytes: GiB, slots: 9 };
    expect(() => offers('pool "a" backend="container"', small)).toThrow(
      'a job of "a" has a share of 113.78 MiB, and 128 MiB is the least',
    );
    expect(offers('pool "a" backend="container" memory="128MiB"', small)).toMatchObject([{ memoryBytes: GiB / 8 }]);
    expect(offers('capacity slots=8; pool "a" backend="container"', small)).toMatchObject([{ memoryBytes: GiB / 8 }]);
  });

  it('refuses pools that take more than the settings leave, each with its place', () => {
    const refused = () =>
      offers(`
        pool "fits" backend="container" cpus=16 memory="48GiB"
        pool "cpus" backend="container" cpus=17
        pool "memory" backend="container" memory="49GiB"`);
    expect(refused).toThrow(
      [
        'the pools do not fit the host:',
        '/etc/solstice/host.kdl:4:9: a job of "cpus" takes 17 cpus, and the whole host has 16',
        '/etc/solstice/host.kdl:5:9: a job of "memory" takes 49 GiB of memory, and the whole host has 48 GiB',
      ].join('\n'),
    );
    expect(refused).toThrow(expect.objectContaining({ code: 'host-file-invalid' }));
  });
});
