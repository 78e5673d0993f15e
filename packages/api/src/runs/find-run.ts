import { SolsticeError } from '@solstice/common/errors';
import type { RunDetail, Store } from '@solstice/common/store';

/** By number or id. Rejects with `not-found`. */
export async function findRun(store: Store, ref: string): Promise<RunDetail> {
  const run = await store.runs.find(/^\d+$/.test(ref) ? { number: Number(ref) } : { id: ref.toLowerCase() });
  if (!run) throw new SolsticeError('not-found', `There is no run ${ref}.`, { hint: 'ciadm runs lists them.' });
  return run;
}
