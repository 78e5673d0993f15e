import { type FlowEvent, isRefusal, isTerminal, type Origin, type RunSpec } from '../../flow/index.js';
import type { ConcurrencyStore, GroupMember } from '../port/index.js';
import { type GroupStep, leavers, nextStep, originIn } from '../projection/index.js';
import { handle } from './commit-events.js';
import type { Core } from './core.js';
import { type GroupRow, keyOf } from './tables.js';

/** A run that may be one of a group. */
export interface Entrant {
  runId: string;
  spec: RunSpec;
  source: { repositoryId: string };
}

/**
 * Whether a run may begin, and what has to be done once its row is there. `deliveryId`: of the event that it comes from.
 * `rerunOf`: it does that run again, and has its place. A run by hand comes after all others. `keepPlace`: for one that is
 * born without a turn; whoever does it again has its place all the same.
 */
export function enterGroup(
  core: Core,
  run: Entrant,
  from: { deliveryId?: string | undefined; rerunOf?: string | undefined },
): { origin: Pick<Origin, 'held' | 'supersededBy'>; join(): void; keepPlace(): void } {
  const { concurrency, workflow } = run.spec;
  if (concurrency === undefined || concurrency.policy === 'allow') {
    return { origin: {}, join: () => undefined, keepPlace: () => undefined };
  }
  const { tables } = core;
  const key = keyOf(run.source.repositoryId, concurrency.group);
  const eventOrder = eventOrderOf(core, from);
  const member = { runId: run.runId, workflow: workflow.name, policy: concurrency.policy, eventOrder };
  const origin = originIn(membersOf(core, key), { ...member, rerun: from.rerunOf !== undefined });
  const keepPlace = () => void tables.eventOrders.set(run.runId, eventOrder);
  return {
    origin,
    keepPlace,
    join: () => {
      keepPlace();
      const group = tables.groups.get(key) ?? { repositoryId: run.source.repositoryId, entered: 0, members: new Map() };
      tables.groups.set(key, group);
      group.entered += 1;
      group.members.set(run.runId, { ...member, entered: group.entered, superseded: false });
      core.touch('concurrency');
    },
  };
}

function eventOrderOf(core: Core, from: { deliveryId?: string | undefined; rerunOf?: string | undefined }): number {
  if (from.deliveryId !== undefined) return Number(from.deliveryId);
  const before = from.rerunOf === undefined ? undefined : core.tables.runs.get(from.rerunOf);
  const known = before && (core.tables.eventOrders.get(before.flow.runId) ?? before.meta.deliveryId);
  return Number(known ?? core.newDeliveryId());
}

function membersOf(core: Core, key: string): GroupMember[] {
  const { groups, runs } = core.tables;
  return [...(groups.get(key)?.members.values() ?? [])]
    .map((member) => {
      const flow = runs.get(member.runId)?.flow;
      return { ...member, held: flow?.held === true, ended: flow === undefined || isTerminal(flow.state) };
    })
    .sort((a, b) => a.eventOrder - b.eventOrder || a.entered - b.entered);
}

export class MemoryConcurrency implements ConcurrencyStore {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  settle(limit: number): ReturnType<ConcurrencyStore['settle']> {
    return this.#core.transact(() => {
      const total = { settled: 0, left: 0, skipped: 0, events: [] as FlowEvent[] };
      let looked = 0;
      for (const [key, group] of [...this.#core.tables.groups]) {
        // One where there is nothing to do counts for nothing: it may stay so for long.
        if (looked === limit) break;
        if (nextStep(membersOf(this.#core, key)) !== undefined) looked += 1;
        for (;;) {
          const members = membersOf(this.#core, key);
          const step = nextStep(members);
          if (step === undefined) {
            total.left += this.#leave(key, group, members);
            break;
          }
          const events = this.#take(step, group);
          if (events === undefined) {
            total.skipped += 1;
            break;
          }
          if (events.length > 0) total.settled += 1;
          total.events.push(...events);
        }
      }
      return total;
    });
  }

  /** Undefined: not now. */
  #take(step: GroupStep, group: GroupRow): FlowEvent[] | undefined {
    const outcome = handle(
      this.#core,
      step.runId,
      step.kind === 'admit' ? { kind: 'admit' } : { kind: 'supersede', byRunId: step.byRunId },
    );
    const member = group.members.get(step.runId);
    // Told, whatever it said: one that ends just now has no use for it.
    if (member !== undefined && step.kind === 'supersede') member.superseded = true;
    if (!isRefusal(outcome)) return outcome.events;
    return step.kind === 'supersede' ? [] : undefined;
  }

  /** Gives how many went, the group among them. */
  #leave(key: string, group: GroupRow, members: readonly GroupMember[]): number {
    const { deliveries, groups } = this.#core.tables;
    const waiting = [...deliveries.values()].filter(
      ({ state, repositoryId }) => state === 'received' && repositoryId === group.repositoryId,
    );
    const oldest = waiting.length === 0 ? undefined : Math.min(...waiting.map(({ id }) => Number(id)));
    const gone = leavers(members, oldest);
    for (const runId of gone) group.members.delete(runId);
    return gone.length + (group.members.size === 0 && groups.delete(key) ? 1 : 0);
  }

  members(repositoryId: string, group: string): Promise<GroupMember[]> {
    return this.#core.transact(() => membersOf(this.#core, keyOf(repositoryId, group)));
  }
}
