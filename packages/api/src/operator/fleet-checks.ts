import { toError } from '@solstice/common/errors';
import { describeDuration } from '@solstice/common/flow';
import type { HostMeasure, HostRecord, Store, StoreMeasures } from '@solstice/common/store';
import type { DoctorItem } from '../schemas.js';

/** What the store tells of the whole installation, whichever process is asked. */
export async function fleetChecks(store: Store): Promise<DoctorItem[]> {
  try {
    const [hosts, measures] = await Promise.all([store.hosts.list(), store.measures()]);
    const byId = new Map(measures.hosts.map((measure) => [measure.id, measure]));
    return [
      ...(hosts.length === 0 ? [noHost] : hosts.map((host) => hostItem(host, byId.get(host.id)))),
      ...versions(hosts),
      ...unserved(measures),
      ...deadLetters(measures),
    ];
  } catch (error) {
    return [{ name: 'fleet', state: 'fail', detail: toError(error).message }];
  }
}

const noHost: DoctorItem = {
  name: 'hosts',
  state: 'warn',
  detail: 'none has registered',
  hint: 'Start solstice up, or solstice serve --roles orchestrator.',
};

function hostItem(host: HostRecord, measure: HostMeasure | undefined): DoctorItem {
  const name = `host ${host.id}`;
  const { slots } = host.capacity;
  if (!host.alive) {
    const held = measure?.heldAttempts ?? 0;
    const since = measure ? ` for ${describeDuration(measure.renewalAgeMs)}` : '';
    const holds = held > 0 ? `; it holds ${count(held, 'attempt')}, which will be taken from it` : '';
    return {
      name,
      state: 'warn',
      detail: `does not renew its lease${since}${holds}${notesOf(host)}`,
      hint: `Start its process again, or forget it: ciadm host remove ${host.id}.`,
    };
  }
  const { by, reason } = host.stateChange ?? {};
  const who =
    host.state === 'active' || by === undefined ? '' : ` by ${by}${reason === undefined ? '' : ` (${reason})`}`;
  const detail = `${host.state}${who}, ${host.reserved.slots} of ${count(slots, 'slot')} taken${notesOf(host)}`;
  return { name, state: 'ok', detail };
}

function notesOf(host: HostRecord): string {
  return host.notes.map((note) => `; ${note}`).join('');
}

/** While a fleet is renewed there are two; more, or for long, is worth a look. */
function versions(hosts: readonly HostRecord[]): DoctorItem[] {
  const alive = hosts.filter((host) => host.alive);
  const all = new Set(alive.map((host) => host.version ?? 'unknown'));
  if (all.size < 2) return [];
  const parts = [...all].sort().map((version) => {
    const ids = alive.filter((host) => (host.version ?? 'unknown') === version).map(({ id }) => id);
    return `${version} on ${ids.join(', ')}`;
  });
  const hint = 'Good for the time of a rolling restart; end it by restarting the older ones.';
  return [{ name: 'versions', state: all.size > 2 ? 'warn' : 'ok', detail: parts.join('; '), hint }];
}

function unserved({ pools }: StoreMeasures): DoctorItem[] {
  return pools
    .filter(({ queued, liveHosts }) => queued > 0 && liveHosts === 0)
    .map(({ pool, queued, oldestAgeMs = 0 }) => ({
      name: `pool ${pool}`,
      state: 'warn' as const,
      detail: `${count(queued, 'job')} ${queued === 1 ? 'waits' : 'wait'} and no host takes work for it; the oldest for ${describeDuration(oldestAgeMs)}`,
      hint: 'Start a host that serves it, or resume one (ciadm hosts); ciadm why <run> has what each host says.',
    }));
}

function deadLetters({ deadLetters: letters }: StoreMeasures): DoctorItem[] {
  if (letters === 0) return [];
  const detail = `${count(letters, 'message')} could not be read`;
  return [{ name: 'dead letters', state: 'warn', detail, hint: 'ciadm dead list shows them, with the reasons.' }];
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
