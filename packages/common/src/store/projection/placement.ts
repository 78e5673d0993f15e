import { type AttemptView, graphOf, type PlaceSpec, type ResourcesSpec, type RunFlow } from '../../flow/index.js';
import type { PoolOffer, Resources } from '../port/index.js';
import { freeOf, type HostView, holds, offerFor, resourcesOf, shortage, tooSmall } from './room.js';

/** What decides where an attempt may go. Attempts with equal needs fit the same hosts, but for who has one kept. */
export interface Needs {
  pool: string;
  avoidHosts: readonly string[];
  resources?: ResourcesSpec;
  place?: Pick<PlaceSpec, 'hosts' | 'otherwise'>;
  /** It has services, which only containers can be. */
  services?: true;
}

export interface Waiting extends Needs {
  id: string;
  /** Unix milliseconds. */
  notBefore: number;
}

/** A host whose room is left for one attempt, which has waited too long (keeping.ts). */
export interface KeptHost {
  hostId: string;
  since: Date;
  attempt: Needs & { id: string };
}

/** All hosts at one instant. Whoever takes work looks at all of them, also for what one of them may take. */
export interface Fleet {
  hosts: readonly HostView[];
  /** Only those that still count: see `keptOf`. */
  kept: readonly KeptHost[];
  now: Date;
}

export type Fit =
  | { fits: true; pool: PoolOffer; resources: Resources }
  /** `never`: nor would it with nothing else on it. */
  | { fits: false; reason: string; never?: true };

export function needsOf(run: RunFlow, attempt: Pick<AttemptView, 'nodeId' | 'pool' | 'avoidHosts'>): Needs {
  const job = graphOf(run.spec).job(attempt.nodeId);
  const { hosts, otherwise } = job?.place ?? {};
  const hasServices = (job?.services ?? []).length > 0;
  return {
    pool: attempt.pool,
    avoidHosts: attempt.avoidHosts.toSorted(),
    ...(job?.resources !== undefined && { resources: job.resources }),
    ...(hosts !== undefined && { place: { hosts, ...(otherwise !== undefined && { otherwise }) } }),
    ...(hasServices && { services: true as const }),
  };
}

export function waitingOf(run: RunFlow, attempt: AttemptView): Waiting {
  return { ...needsOf(run, attempt), id: attempt.id, notBefore: attempt.notBefore };
}

/** Equal needs give equal texts; JSON.parse gives them back. */
export function needsText({ pool, avoidHosts, resources, place, services }: Needs): string {
  return JSON.stringify({
    pool,
    avoidHosts,
    resources: resources && { cpus: resources.cpus, memoryBytes: resources.memoryBytes },
    place: place && { hosts: place.hosts, otherwise: place.otherwise },
    services,
  });
}

/**
 * The hosts that may take it as soon as they have room. A busy one among them is waited for; one that is dead, drained,
 * cordoned or too small, or does not serve the pool (or not with what the job needs), is not among them. Hosts where it did not come to an end are
 * avoided while there is another; of the hosts that it names the first that is left has it for itself; and only when
 * none is left, and it says so, any other host may.
 */
export function takersOf(needs: Needs, hosts: readonly HostView[]): readonly HostView[] {
  const able = hosts.filter(
    (host) => isNamedFor(needs, host.id) && host.alive && host.state === 'active' && couldHold(needs, host, hosts),
  );
  const fresh = able.filter((host) => !needs.avoidHosts.includes(host.id));
  const left = fresh.length > 0 ? fresh : able;
  const named = needs.place?.hosts ?? [];
  const first = named.map((id) => left.find((host) => host.id === id)).find((host) => host !== undefined);
  return first === undefined ? left : [first];
}

/**
 * Does this queued attempt fit this host now? A reason says what the host answers (`is draining`); it stays the same
 * while nothing changes.
 */
export function fitOf(
  attempt: Waiting,
  host: HostView,
  fleet: Fleet,
  takers: readonly HostView[] = takersOf(attempt, fleet.hosts),
): Fit {
  const no = (reason: string): Fit => ({ fits: false, reason });
  if (attempt.notBefore > fleet.now.getTime()) {
    return no(`waits until ${new Date(attempt.notBefore).toISOString()}`);
  }
  if (!host.alive) {
    return no('does not answer');
  }
  if (host.state !== 'active') {
    return no(stateText(host));
  }
  if (!isNamedFor(attempt, host.id)) {
    return no(`is not among the hosts that it may run on (${attempt.place?.hosts.join(', ')})`);
  }
  const pool = offerFor(attempt.pool, host, fleet.hosts);
  if (pool === undefined) {
    return no(`does not serve pool ${attempt.pool}`);
  }
  if (!canServe(attempt, pool)) {
    const reason = `runs processes in pool ${attempt.pool}, and the services of the job need containers`;
    return { fits: false, reason, never: true };
  }
  const resources = resourcesOf(attempt, pool);
  if (!couldHold(attempt, host, fleet.hosts)) {
    return { fits: false, reason: tooSmall(resources, host.capacity), never: true };
  }
  if (!takers.some(({ id }) => id === host.id)) {
    return no(passedOver(attempt, host, takers));
  }
  const kept = fleet.kept.find(({ hostId }) => hostId === host.id);
  const short = shortage(resources, host);
  if (short !== undefined) {
    const own = kept?.attempt.id === attempt.id ? `, and is kept free for it since ${kept.since.toISOString()}` : '';
    return no(`${short}${own}`);
  }
  if (kept !== undefined && kept.attempt.id !== attempt.id && !fitsBeside(resources, kept, host, fleet.hosts)) {
    return no(`keeps what it has free for another job since ${kept.since.toISOString()}`);
  }
  return { fits: true, pool, resources };
}

/** Is there room for both, the one that is asked about and the one that the host is kept for? */
function fitsBeside(resources: Resources, kept: KeptHost, host: HostView, hosts: readonly HostView[]): boolean {
  const pool = offerFor(kept.attempt.pool, host, hosts);
  return pool === undefined || holds(freeOf(host), resources, resourcesOf(kept.attempt, pool));
}

function isNamedFor(needs: Needs, hostId: string): boolean {
  return needs.place === undefined || needs.place.otherwise === 'any' || needs.place.hosts.includes(hostId);
}

/** With nothing else on it. */
function couldHold(needs: Needs, host: HostView, hosts: readonly HostView[]): boolean {
  const pool = offerFor(needs.pool, host, hosts);
  return pool !== undefined && canServe(needs, pool) && holds(host.capacity, resourcesOf(needs, pool));
}

function canServe(needs: Needs, pool: PoolOffer): boolean {
  return needs.services === undefined || pool.backend === 'container';
}

function stateText({ state, stateChange }: HostView): string {
  if (stateChange === undefined) {
    return `is ${state}`;
  }
  return `is ${state} by ${stateChange.by}${stateChange.reason === undefined ? '' : `: ${stateChange.reason}`}`;
}

function passedOver(attempt: Waiting, host: HostView, takers: readonly HostView[]): string {
  if (attempt.avoidHosts.includes(host.id) && takers.some(({ id }) => !attempt.avoidHosts.includes(id))) {
    return 'is avoided, because an earlier attempt did not come to its end there';
  }
  const first = takers.map(({ id }) => id).join(', ');
  return attempt.place?.hosts.includes(host.id) === true
    ? `comes after host ${first}, which is named before it`
    : `is only asked when none of the hosts that it names can take it (host ${first} can)`;
}
