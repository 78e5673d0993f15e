import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PoolOffer } from '../port/index.js';
import { hostAnswers, hostsSay } from './host-answers.js';
import { hostToKeep, isMixed, keptOf } from './keeping.js';
import { type Fleet, fitOf, type KeptHost, needsText, takersOf, type Waiting } from './placement.js';
import { type HostView, offerFor, resourcesOf, sumReserved } from './room.js';

const now = new Date(Date.UTC(2026, 0, 1));
const pool = (name: string, more: Partial<PoolOffer> = {}): PoolOffer => ({
  ...{ name, backend: 'process', image: undefined, cpus: 1, memoryBytes: 2 ** 20 },
  ...more,
});
const host = (id: string, more: Partial<HostView> = {}): HostView => ({
  ...{ id, state: 'active', alive: true, pools: [pool('default')] },
  capacity: { cpus: 4, memoryBytes: 4 * 2 ** 20, slots: 4 },
  reserved: { cpus: 0, memoryBytes: 0, slots: 0 },
  ...more,
});
const waiting = (more: Partial<Waiting> = {}): Waiting => ({
  ...{ id: 'r/x/1', pool: 'default', notBefore: 0, avoidHosts: [] },
  ...more,
});
const fleet = (hosts: readonly HostView[], kept: readonly KeptHost[] = []): Fleet => ({ hosts, kept, now });
const used = (cpus: number, slots = cpus): Pick<HostView, 'reserved'> => ({
  reserved: { cpus, memoryBytes: 0, slots },
});

describe('fitOf', () => {
  const answer = (one: HostView, attempt = waiting(), others: HostView[] = []): string => {
    const fit = fitOf(attempt, one, fleet([one, ...others]));
    return fit.fits ? fit.pool.name : fit.reason;
  };

  it('says what is in the way, in words that stay true', () => {
    expect(answer(host('a'))).toBe('default');
    expect(answer(host('a'), waiting({ notBefore: now.getTime() + 1 }))).toBe('waits until 2026-01-01T00:00:00.001Z');
    expect(answer(host('a'), waiting({ notBefore: now.getTime() }))).toBe('default');
    expect(answer(host('a', { alive: false }))).toBe('does not answer');
    expect(answer(host('a', { state: 'draining' }))).toBe('is draining');
    const stateChange = { by: 'mara', at: now };
    expect(answer(host('a', { state: 'draining', stateChange }))).toBe('is draining by mara');
    expect(answer(host('a', { state: 'cordoned', stateChange: { ...stateChange, reason: 'new disk' } }))).toBe(
      'is cordoned by mara: new disk',
    );
    expect(answer(host('a'), waiting({ pool: 'zones' }))).toBe('does not serve pool zones');
    const full = { cpus: 3.5, memoryBytes: 0, slots: 1 };
    expect(answer(host('a', { reserved: full }))).toBe('has 0.5 of 4 cpus free, it takes 1');
    expect(answer(host('a', { reserved: { ...full, slots: 4 } }))).toBe('has no free slot (4 in use)');
    expect(answer(host('a', { reserved: { cpus: 0, memoryBytes: 3.5 * 2 ** 20, slots: 1 } }))).toBe(
      'has 0 MiB of 4 MiB free, it takes 1 MiB',
    );
    expect(answer(host('a', { pools: [pool('default', { cpus: 5 })] }))).toBe(
      'is too small for it (4 cpus, 4 MiB, 4 slots; it takes 5 cpus and 1 MiB)',
    );
  });

  it('avoids a host only while another could take it', () => {
    const attempt = waiting({ avoidHosts: ['a'] });
    expect(answer(host('a'), attempt)).toBe('default');
    expect(answer(host('a'), attempt, [host('b')])).toContain('is avoided');
    expect(answer(host('a'), attempt, [host('b', { alive: false })])).toBe('default');
    expect(answer(host('a'), attempt, [host('b', { state: 'cordoned' })])).toBe('default');
    expect(answer(host('a'), attempt, [host('b', { pools: [pool('other')] })])).toBe('default');
    expect(answer(host('a'), attempt, [host('b', { pools: [pool('*')] })])).toBe('default');
    expect(answer(host('a'), waiting({ avoidHosts: ['a', 'b'] }), [host('b')])).toBe('default');
  });

  it('fills a host to the brim with fractions of cpus', () => {
    const pools = [pool('default', { cpus: 0.1, memoryBytes: 1 })];
    const taken: PoolOffer[] = [];
    const capacity = { cpus: 0.3, memoryBytes: 100, slots: 100 };
    for (;;) {
      const one = host('a', { pools, capacity, reserved: sumReserved(taken) });
      const fit = fitOf(waiting(), one, fleet([one]));
      if (!fit.fits) {
        break;
      }
      taken.push(fit.pool);
    }
    expect(taken).toHaveLength(3);
  });

  it('never gives away more than there is', () => {
    const sizes = fc.array(fc.record({ cpus: fc.integer({ min: 1, max: 40 }), memoryBytes: fc.nat(50) }), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(sizes, fc.array(fc.nat(3), { maxLength: 60 }), (offers, asked) => {
        const pools = offers.map(({ cpus, memoryBytes }, index) => pool(`p${index}`, { cpus: cpus / 10, memoryBytes }));
        const capacity = { cpus: 4, memoryBytes: 100, slots: 5 };
        const taken: PoolOffer[] = [];
        for (const index of asked) {
          const view = host('a', { pools, capacity, reserved: sumReserved(taken) });
          const fit = fitOf(waiting({ pool: `p${index}` }), view, fleet([view]));
          if (fit.fits) {
            taken.push(fit.pool);
          }
        }
        const reserved = sumReserved(taken);
        expect(reserved.cpus).toBeLessThanOrEqual(4);
        expect(reserved.memoryBytes).toBeLessThanOrEqual(100);
        expect(reserved.slots).toBeLessThanOrEqual(5);
      }),
    );
  });
});

describe('offerFor', () => {
  it('prefers the name, and * only where nobody alive has it', () => {
    const star = host('a', { pools: [pool('*', { cpus: 3 })] });
    const named = host('b', { pools: [pool('zones')] });
    expect(offerFor('zones', named, [star, named])?.name).toBe('zones');
    expect(offerFor('zones', star, [star, named])).toBeUndefined();
    expect(offerFor('zones', star, [star, { ...named, alive: false }])?.name).toBe('*');
    expect(offerFor('zones', star, [star])?.name).toBe('*');
  });
});

describe('hostsSay', () => {
  it('answers for all hosts, whichever asked', () => {
    const busy = host('a', { reserved: { cpus: 0, memoryBytes: 0, slots: 4 } });
    const draining = host('b', { state: 'draining' });
    expect(hostsSay(waiting(), fleet([]))).toBe('no host is alive');
    expect(hostsSay(waiting(), fleet([host('a', { alive: false })]))).toBe('no host is alive');
    expect(hostsSay(waiting({ pool: 'x' }), fleet([busy, draining]))).toBe(
      'no live host serves pool x (they serve default)',
    );
    expect(hostsSay(waiting(), fleet([busy, draining]))).toBe('host a has no free slot (4 in use); host b is draining');
    expect(hostsSay(waiting(), fleet([busy, host('c')]))).toBeUndefined();
    expect(hostsSay(waiting({ notBefore: now.getTime() + 1 }), fleet([]))).toBeUndefined();
  });
});

describe('what a job takes', () => {
  it('is its own, and the rest as the pool has it', () => {
    const one = host('a');
    const fit = (resources: Waiting['resources']) =>
      fitOf(waiting({ ...(resources && { resources }) }), one, fleet([one]));
    expect(fit(undefined)).toMatchObject({ resources: { cpus: 1, memoryBytes: 2 ** 20 } });
    expect(fit({ cpus: 3 })).toMatchObject({ resources: { cpus: 3, memoryBytes: 2 ** 20 } });
    expect(fit({ memoryBytes: 4 * 2 ** 20 })).toMatchObject({ resources: { cpus: 1, memoryBytes: 4 * 2 ** 20 } });
    expect(fit({ cpus: 5 })).toEqual({
      fits: false,
      never: true,
      reason: 'is too small for it (4 cpus, 4 MiB, 4 slots; it takes 5 cpus and 1 MiB)',
    });
    expect(resourcesOf({ resources: { cpus: 0.5 } }, pool('x'))).toEqual({ cpus: 0.5, memoryBytes: 2 ** 20 });
  });
});

describe('a job with services', () => {
  const served = waiting({ services: true });
  const contained = (id: string, more: Partial<HostView> = {}) =>
    host(id, { pools: [pool('default', { backend: 'container' })], ...more });

  it('goes only where its pool has containers', () => {
    const hosts = [host('a'), contained('b')];
    expect(takersOf(served, hosts).map(({ id }) => id)).toEqual(['b']);
    expect(takersOf(waiting(), hosts).map(({ id }) => id)).toEqual(['a', 'b']);
    expect(hostAnswers(served, fleet(hosts))).toEqual([
      { hostId: 'a', reason: 'runs processes in pool default, and the services of the job need containers' },
      { hostId: 'b', reason: expect.stringContaining('has room') },
    ]);
  });

  it('says that it waits for ever where there are only processes', () => {
    expect(hostsSay(served, fleet([host('a')]))).toBe(
      'no host could ever take it: host a runs processes in pool default, and the services of the job need containers',
    );
    expect(hostsSay(served, fleet([host('a'), contained('b', used(4))]))).toBe(
      'host a runs processes in pool default, and the services of the job need containers; ' +
        'host b has no free slot (4 in use)',
    );
  });

  it('is a kind of needs of its own', () => {
    expect(needsText(served)).not.toBe(needsText(waiting()));
    expect(JSON.parse(needsText(served))).toMatchObject({ services: true });
  });
});

describe('place', () => {
  const placed = (hosts: string[], otherwise?: 'any', more: Partial<Waiting> = {}): Waiting =>
    waiting({ place: { hosts, ...(otherwise && { otherwise }) }, ...more });
  const takers = (attempt: Waiting, ...hosts: HostView[]): string[] => takersOf(attempt, hosts).map(({ id }) => id);

  it.each<[string, Waiting, HostView[], string[]]>([
    ['the first that is named', placed(['b', 'a']), [host('a'), host('b'), host('c')], ['b']],
    ['a busy one, which is waited for', placed(['b', 'a']), [host('a'), host('b', used(4))], ['b']],
    ['the next when it is dead', placed(['b', 'a']), [host('a'), host('b', { alive: false })], ['a']],
    ['the next when it is drained', placed(['b', 'a']), [host('a'), host('b', { state: 'draining' })], ['a']],
    ['the next when it is cordoned', placed(['b', 'a']), [host('a'), host('b', { state: 'cordoned' })], ['a']],
    ['the next when it has another pool', placed(['b', 'a']), [host('a'), host('b', { pools: [pool('z')] })], ['a']],
    [
      'the next when it could never hold it',
      placed(['b', 'a'], undefined, { resources: { cpus: 4 } }),
      [host('a'), host('b', { capacity: { cpus: 3, memoryBytes: 2 ** 30, slots: 9 } })],
      ['a'],
    ],
    ['the next when it is not there', placed(['b', 'a']), [host('a'), host('c')], ['a']],
    ['nobody else', placed(['b']), [host('a'), host('b', { alive: false })], []],
    [
      'anybody else where it says so',
      placed(['b'], 'any'),
      [host('a'), host('b', { alive: false }), host('c')],
      ['a', 'c'],
    ],
    ['not just anybody while a named one can', placed(['b'], 'any'), [host('a'), host('b', used(4))], ['b']],
    ['the next after a loss', placed(['b', 'a'], undefined, { avoidHosts: ['b'] }), [host('a'), host('b')], ['a']],
    ['anybody after all were lost', placed(['b'], 'any', { avoidHosts: ['b'] }), [host('a'), host('b')], ['a']],
    [
      'the first again after all were lost',
      placed(['b', 'a'], undefined, { avoidHosts: ['a', 'b'] }),
      [host('a'), host('b')],
      ['b'],
    ],
    [
      'the same again when it is the only one',
      placed(['b'], undefined, { avoidHosts: ['b'] }),
      [host('a'), host('b')],
      ['b'],
    ],
  ])('goes to %s', (_what, attempt, hosts, expected) => {
    expect(takers(attempt, ...hosts)).toEqual(expected);
  });

  it('has exactly the takers that fitOf accepts when all are empty', () => {
    const someHosts = fc.uniqueArray(
      fc.record({
        id: fc.constantFrom('a', 'b', 'c', 'd'),
        alive: fc.boolean(),
        state: fc.constantFrom('active' as const, 'draining' as const, 'cordoned' as const),
        pools: fc.constantFrom<PoolOffer[][]>([pool('default')], [pool('*')], [pool('z')]),
        cpus: fc.constantFrom(1, 4),
      }),
      { selector: ({ id }) => id },
    );
    const attempts = fc.record({
      avoidHosts: fc.subarray(['a', 'b', 'c', 'd']),
      named: fc.option(fc.shuffledSubarray(['a', 'b', 'c', 'd', 'e'], { minLength: 1 })),
      otherwise: fc.constantFrom(undefined, 'any' as const),
      cpus: fc.constantFrom(undefined, 3),
    });
    fc.assert(
      fc.property(someHosts, attempts, (views, { avoidHosts, named, otherwise, cpus }) => {
        const hosts = views.map(({ cpus: has, ...view }) =>
          host(view.id, { ...view, capacity: { cpus: has, memoryBytes: 2 ** 30, slots: 1 } }),
        );
        const attempt = waiting({
          avoidHosts,
          ...(named !== null && { place: { hosts: named, ...(otherwise && { otherwise }) } }),
          ...(cpus !== undefined && { resources: { cpus } }),
        });
        const fitting = hosts.filter((one) => fitOf(attempt, one, fleet(hosts)).fits);
        expect(fitting).toEqual(takersOf(attempt, hosts));
        if (named !== null && otherwise === undefined) {
          expect(fitting.every(({ id }) => named.includes(id))).toBe(true);
        }
        // It never waits for a host that cannot come, while one that may is idle.
        const able = hosts.filter(
          (one) =>
            one.alive &&
            one.state === 'active' &&
            offerFor('default', one, hosts) !== undefined &&
            one.capacity.cpus >= (cpus ?? 1) &&
            (named === null || otherwise === 'any' || named.includes(one.id)),
        );
        expect(fitting.length > 0).toBe(able.length > 0);
        expect(hostsSay(attempt, fleet(hosts)) === undefined).toBe(fitting.length > 0);
        expect(hostAnswers(attempt, fleet(hosts)).filter(({ reason }) => reason.startsWith('has room'))).toHaveLength(
          fitting.length,
        );
      }),
    );
  });

  it('is explained', () => {
    const say = (attempt: Waiting, ...hosts: HostView[]) => hostsSay(attempt, fleet(hosts));
    expect(say(placed(['b', 'x']), host('a'), host('b', used(4)))).toBe(
      'it may run only on host b, host x: host b has no free slot (4 in use); host x is not known here',
    );
    expect(say(placed(['b', 'a']), host('a'), host('b', used(3.5, 1)))).toBe(
      'it may run only on host b, host a: host b has 0.5 of 4 cpus free, it takes 1; ' +
        'host a comes after host b, which is named before it',
    );
    expect(say(placed(['b'], 'any'), host('a'), host('b', used(4)))).toBe(
      'it may run on host b, otherwise anywhere: host b has no free slot (4 in use); ' +
        'host a is only asked when none of the hosts that it names can take it (host b can)',
    );
    expect(say(placed(['b']), host('b', { alive: false }))).toBe('no host is alive; it may run only on host b');
    expect(say(waiting({ resources: { cpus: 9 } }), host('a'), host('b'))).toBe(
      'no host could ever take it: host a is too small for it (4 cpus, 4 MiB, 4 slots; it takes 9 cpus and 1 MiB); ' +
        'host b is too small for it (4 cpus, 4 MiB, 4 slots; it takes 9 cpus and 1 MiB)',
    );
    expect(hostAnswers(placed(['x', 'b']), fleet([host('a'), host('b')]))).toEqual([
      { hostId: 'a', reason: 'is not among the hosts that it may run on (x, b)' },
      { hostId: 'b', reason: 'has room for it, and takes it when it looks next' },
      { hostId: 'x', reason: 'is not known here' },
    ]);
  });
});

describe('a kept host', () => {
  const since = now;
  const big = waiting({ id: 'big', resources: { cpus: 3 } });
  const small = waiting({ id: 'small' });
  const keptFor = (attempt: Waiting, hostId = 'a'): KeptHost => ({ hostId, since, attempt });

  it('takes only what leaves room for the one that it is kept for', () => {
    const say = (attempt: Waiting, one: HostView): string | undefined => {
      const fit = fitOf(attempt, one, fleet([one], [keptFor(big)]));
      return fit.fits ? undefined : fit.reason;
    };
    expect(say(small, host('a'))).toBeUndefined();
    expect(say(small, host('a', used(1)))).toBe(
      'keeps what it has free for another job since 2026-01-01T00:00:00.000Z',
    );
    expect(say(big, host('a', used(1)))).toBeUndefined();
    expect(say(big, host('a', used(2)))).toBe(
      'has 2 of 4 cpus free, it takes 3, and is kept free for it since 2026-01-01T00:00:00.000Z',
    );
    expect(say({ ...big, id: 'another' }, host('a', used(1)))).toContain('keeps what it has free');
    // Memory and slots count as cpus do.
    expect(say(small, host('a', { reserved: { cpus: 0, memoryBytes: 2.5 * 2 ** 20, slots: 1 } }))).toContain('keeps');
    expect(say(small, host('a', { reserved: { cpus: 0, memoryBytes: 0, slots: 3 } }))).toContain('keeps');
  });

  it('is the one that is nearest to having room, for the oldest that fits nowhere', () => {
    const keep = (overdue: Waiting[], hosts: HostView[], kept: KeptHost[] = []) => {
      const next = hostToKeep(overdue, fleet(hosts, kept));
      return next && [next.attempt.id, next.hostId];
    };
    const hosts = [host('a', used(4)), host('b', used(2)), host('c', used(3))];
    expect(keep([big], hosts)).toEqual(['big', 'b']);
    expect(keep([big], hosts, [keptFor(small, 'b')])).toEqual(['big', 'c']);
    expect(keep([big], hosts, [keptFor(big, 'a')])).toBeUndefined();
    expect(keep([big, { ...big, id: 'next' }], hosts, [keptFor(big, 'a')])).toEqual(['next', 'b']);
    expect(keep([small, big], hosts)).toEqual(['big', 'b']);
    expect(keep([big], [...hosts, host('d', used(1))])).toBeUndefined();
    expect(keep([{ ...big, resources: { cpus: 9 } }], hosts)).toBeUndefined();
    expect(keep([{ ...big, place: { hosts: ['a'] } }], hosts)).toEqual(['big', 'a']);
    expect(keep([], hosts)).toBeUndefined();
  });

  it('counts while its attempt waits and may still go there', () => {
    const row = { ...keptFor(big), queued: true };
    expect(keptOf([row], [host('a')])).toHaveLength(1);
    expect(keptOf([{ ...row, queued: false }], [host('a')])).toEqual([]);
    expect(keptOf([row], [host('a', { alive: false })])).toEqual([]);
    expect(keptOf([row], [host('a', { state: 'draining' })])).toEqual([]);
    expect(keptOf([row], [host('a', { capacity: { cpus: 2, memoryBytes: 2 ** 30, slots: 9 } })])).toEqual([]);
    const placed = { ...big, place: { hosts: ['b', 'a'] } };
    expect(keptOf([{ ...row, attempt: placed }], [host('a'), host('b')])).toEqual([]);
  });

  it('is of use only where what waits takes different amounts', () => {
    expect(isMixed([small, waiting({ avoidHosts: ['a'] })])).toBe(false);
    expect(isMixed([small, big])).toBe(true);
    expect(isMixed([small, waiting({ pool: 'large' })])).toBe(true);
    expect(isMixed([])).toBe(false);
  });
});

describe('needs', () => {
  it('are the same text when they are the same', () => {
    const {
      id: _id,
      notBefore: _notBefore,
      ...needs
    } = waiting({
      resources: { memoryBytes: 5, cpus: 1 },
      place: { otherwise: 'any', hosts: ['b', 'a'] },
    });
    expect(needsText(needs)).toBe(needsText({ ...needs, resources: { cpus: 1, memoryBytes: 5 } }));
    expect(needsText(needs)).not.toBe(needsText({ ...needs, place: { hosts: ['a', 'b'], otherwise: 'any' } }));
    expect(JSON.parse(needsText(needs))).toEqual(needs);
  });
});
