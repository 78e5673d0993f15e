import type { RunDetail, Store } from '@solstice/common/store';

/** More are not named: whoever waits behind so many wants to see the first. */
const MOST = 3;

/** What a run that is held waits for. */
export interface Turn {
  group: string;
  /** Numbers of the runs of its group that come before it, the next first. */
  ahead: readonly number[];
  /** How many others there are. */
  others: number;
}

/** Undefined: nothing holds it. */
export async function turnOf(store: Pick<Store, 'concurrency' | 'runs'>, run: RunDetail): Promise<Turn | undefined> {
  const group = run.spec.concurrency?.group;
  if (!run.held || group === undefined) return undefined;
  const members = (await store.concurrency.members(run.source.repositoryId, group)).filter(({ ended }) => !ended);
  const own = members.find(({ runId }) => runId === run.id);
  const before = members
    .filter((other) => other !== own && (!other.held || own === undefined || isBefore(other, own)))
    .sort((a, b) => Number(a.held) - Number(b.held) || (isBefore(a, b) ? -1 : 1));
  const named = await Promise.all(before.slice(0, MOST).map(({ runId }) => store.runs.find({ id: runId })));
  return {
    group,
    ahead: named.flatMap((other) => other?.number ?? []),
    others: Math.max(0, before.length - MOST),
  };
}

/** As it follows "waits for". */
export function turnText({ group, ahead, others }: Turn): string {
  if (ahead.length === 0) return `its turn in concurrency group "${group}", which comes now`;
  const runs = `${ahead.length === 1 && others === 0 ? 'run' : 'runs'} ${ahead.join(', ')}`;
  return `${runs}${others === 0 ? '' : ` and ${others} more`} of concurrency group "${group}"`;
}

type Place = { eventOrder: number; entered: number };

function isBefore(a: Place, b: Place): boolean {
  return a.eventOrder < b.eventOrder || (a.eventOrder === b.eventOrder && a.entered < b.entered);
}
