import { SolsticeError } from '@solstice/common/errors';
import type { Store } from '@solstice/common/store';

type Family = 'repositories' | 'deliveries' | 'runs' | 'outbox' | 'checks';

/** A store whose connection breaks where a test wants it. */
export interface FaultyStore {
  store: Store;
  /**
   * The next calls of `deliveries.accept` (or whichever) reject with `database-unavailable`: `before` anything
   * happened, or `after` the commit, its answer lost.
   */
  fail(call: `${Family}.${string}`, when: 'before' | 'after', times?: number): void;
  /** Calls so far, in order: `deliveries.accept`, … */
  calls: string[];
}

export function faultyStore(real: Store): FaultyStore {
  const faults: { call: string; when: 'before' | 'after'; times: number }[] = [];
  const calls: string[] = [];
  const broken = (call: string, when: 'before' | 'after') => {
    const fault = faults.find((one) => one.call === call && one.when === when && one.times > 0);
    if (!fault) return;
    fault.times--;
    throw new SolsticeError('database-unavailable', `connection lost ${when} ${call}`);
  };
  const wrap = <T extends object>(family: Family, target: T): T =>
    new Proxy(target, {
      get(object, name) {
        const method = Reflect.get(object, name) as unknown;
        if (typeof method !== 'function') return method;
        const call = `${family}.${String(name)}`;
        return async (...args: unknown[]) => {
          calls.push(call);
          broken(call, 'before');
          const result = (await Reflect.apply(method, object, args)) as unknown;
          broken(call, 'after');
          return result;
        };
      },
    });
  const store: Store = {
    ...real,
    repositories: wrap('repositories', real.repositories),
    deliveries: wrap('deliveries', real.deliveries),
    runs: wrap('runs', real.runs),
    outbox: wrap('outbox', real.outbox),
    checks: wrap('checks', real.checks),
  };
  return { store, calls, fail: (call, when, times = 1) => void faults.push({ call, when, times }) };
}
