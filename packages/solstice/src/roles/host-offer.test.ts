import { parseSettings } from '@solstice/common/config';
import { readHostFile } from '@solstice/common/host-file';
import { createFakeBackend } from '@solstice/workers/backends/testing';
import { describe, expect, it } from 'vitest';
import { hostOffer } from './host-offer.js';

const machine = { cpus: 8, memoryBytes: 40 * 1024 ** 3, hostname: 'alder', uid: 0, home: '/root' };
const { host: settings } = parseSettings(undefined, undefined, {}, machine);

function backendsWith(problems: string[]) {
  return {
    container: createFakeBackend({ kind: 'container', faults: { problems: () => problems } }),
    process: createFakeBackend({ kind: 'process' }),
  };
}

function fileOf(inside: string) {
  const result = readHostFile(`host "birch" {\n${inside}\n}`, '/etc/solstice/host.kdl');
  if (!('host' in result)) throw new Error(JSON.stringify(result.diagnostics));
  return result.host;
}

const kinds = (backends: { kind: string }[]) => backends.map(({ kind }) => kind);
const names = (pools: { name: string }[]) => pools.map(({ name }) => name);

describe('without a host file', () => {
  it('the only host takes everything; a node of a fleet takes what asks for no pool', async () => {
    const backends = backendsWith([]);
    expect(names((await hostOffer(settings, undefined, true, backends)).pools)).toEqual(['default', '*']);
    expect(names((await hostOffer(settings, undefined, false, backends)).pools)).toEqual(['default']);
  });

  it('runs processes where no containers can be made', async () => {
    const offer = await hostOffer(settings, undefined, true, backendsWith(['no engine answers']));
    expect(offer.pools).toMatchObject([{ backend: 'process' }, { backend: 'process' }]);
    expect(kinds(offer.backends)).toEqual(['process']);
  });
});

describe('with a host file', () => {
  const mixed = 'capacity slots=2; pool "linux" backend="container"; pool "bare" backend="process"; alias "x" "linux"';

  it('offers what it says, with the settings for the rest', async () => {
    const offer = await hostOffer(settings, fileOf(mixed), false, backendsWith([]));
    expect(names(offer.pools)).toEqual(['linux', 'bare', 'x']);
    expect(offer.capacity).toEqual({ cpus: 8, memoryBytes: 32 * 1024 ** 3, slots: 2 });
    expect(offer.pools[0]?.memoryBytes).toBe(16 * 1024 ** 3);
    expect(offer.reason).toBe(
      'pools of /etc/solstice/host.kdl, in containers: linux, x; as processes, without isolation: bare',
    );
  });

  it('does not start with fewer pools than it says', async () => {
    await expect(hostOffer(settings, fileOf(mixed), false, backendsWith(['no engine answers']))).rejects.toMatchObject({
      code: 'backend-unavailable',
      message:
        '/etc/solstice/host.kdl has pools of containers (linux, x), which cannot be made here: no engine answers',
    });
  });

  it('still knows the containers of a pool that it has no more, while an engine answers', async () => {
    const bare = fileOf('pool "bare" backend="process"');
    expect(kinds((await hostOffer(settings, bare, false, backendsWith([]))).backends)).toEqual([
      'container',
      'process',
    ]);
    expect(kinds((await hostOffer(settings, bare, false, backendsWith(['none']))).backends)).toEqual(['process']);
  });
});
