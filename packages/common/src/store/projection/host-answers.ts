import type { HostAnswer } from '../port/index.js';
import { type Fit, type Fleet, fitOf, takersOf, type Waiting } from './placement.js';
import { offerFor } from './room.js';

const READY = 'has room for it, and takes it when it looks next';
const UNKNOWN = 'is not known here';

/** What each host that there is, and each that the job names, answers to a queued attempt. By host id. */
export function hostAnswers(attempt: Waiting, fleet: Fleet): HostAnswer[] {
  const takers = takersOf(attempt, fleet.hosts);
  const answers = fleet.hosts.map((host) => {
    const fit = fitOf(attempt, host, fleet, takers);
    return { hostId: host.id, reason: fit.fits ? READY : fit.reason };
  });
  const known = new Set(fleet.hosts.map(({ id }) => id));
  const unknown = (attempt.place?.hosts ?? []).filter((id) => !known.has(id));
  return [...answers, ...unknown.map((hostId) => ({ hostId, reason: UNKNOWN }))].sort((a, b) =>
    a.hostId < b.hostId ? -1 : a.hostId > b.hostId ? 1 : 0,
  );
}

/**
 * Why no host has taken a queued attempt, in one sentence: the answers of those that matter. Undefined: one of them
 * could, and will with its next look; or the attempt only waits for its time.
 */
export function hostsSay(attempt: Waiting, fleet: Fleet): string | undefined {
  const { hosts, now } = fleet;
  if (attempt.notBefore > now.getTime()) {
    return undefined;
  }
  const live = hosts.filter((host) => host.alive);
  const { place } = attempt;
  if (live.length === 0) {
    return place === undefined ? 'no host is alive' : `no host is alive; it may run ${placeText(place)}`;
  }
  const serving = live.filter((host) => offerFor(attempt.pool, host, hosts) !== undefined).map(({ id }) => id);
  const asked = place === undefined ? serving : [...new Set([...place.hosts, ...(place.otherwise ? serving : [])])];
  if (asked.length === 0) {
    const pools = [...new Set(live.flatMap((host) => host.pools.map((offer) => offer.name)))].sort();
    return `no live host serves pool ${attempt.pool} (they serve ${pools.join(', ') || 'none'})`;
  }
  const takers = takersOf(attempt, hosts);
  const answers: { text: string; fit: Fit | undefined }[] = [];
  for (const id of asked) {
    const host = hosts.find((one) => one.id === id);
    const fit = host && fitOf(attempt, host, fleet, takers);
    if (fit?.fits === true) {
      return undefined;
    }
    answers.push({ text: `host ${id} ${fit?.reason ?? UNKNOWN}`, fit });
  }
  const never = answers.every(({ fit }) => fit?.fits === false && fit.never === true);
  const head = never ? 'no host could ever take it: ' : '';
  const where = place === undefined ? '' : `it may run ${placeText(place)}: `;
  return `${head}${where}${answers.map(({ text }) => text).join('; ')}`;
}

function placeText(place: { hosts: readonly string[]; otherwise?: 'any' | undefined }): string {
  const hosts = place.hosts.map((id) => `host ${id}`).join(', ');
  return place.otherwise === undefined ? `only on ${hosts}` : `on ${hosts}, otherwise anywhere`;
}
