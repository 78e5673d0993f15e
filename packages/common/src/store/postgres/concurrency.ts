import { type FlowEvent, isRefusal, type Origin, type RunSpec } from '../../flow/index.js';
import type { ConcurrencyStore, GroupMember } from '../port/index.js';
import { leavers, type Newcomer, nextStep, originIn } from '../projection/index.js';
import * as sql from '../sql/concurrency.js';
import { findRun, readPlanned } from '../sql/runs.js';
import type { Database, Transaction } from './database.js';
import type { RunCommands } from './run-commands.js';

/** A run that may be one of a group. */
export interface Entrant {
  runId: string;
  spec: RunSpec;
  source: { repositoryId: string };
}

/** Where a run comes from, for its place in the group. */
export interface Whence {
  /** Of the event that it comes from. A run by hand comes after all others. */
  deliveryId?: string | undefined;
  /** It does that run again, and has its place. */
  rerunOf?: string | undefined;
}

/**
 * The groups of runs that a transaction is about to make, locked: before anything else of a run, and in one order, so that
 * no two wait for each other. `originOf` before each run's first events, `join` once its row is there, or `keepPlace` of one
 * that is born without a turn.
 */
export class EnteredGroups {
  readonly #tx: Transaction;
  readonly #groups: ReadonlyMap<string, sql.GroupRow>;
  readonly #orders = new Map<string, number>();

  private constructor(tx: Transaction, groups: ReadonlyMap<string, sql.GroupRow>) {
    this.#tx = tx;
    this.#groups = groups;
  }

  static async lock(tx: Transaction, runs: readonly Entrant[]): Promise<EnteredGroups> {
    const wanted = new Map(runs.flatMap((run) => (groupOf(run) === undefined ? [] : [[keyOf(run), run] as const])));
    const groups = new Map<string, sql.GroupRow>();
    for (const [key, { source, spec }] of [...wanted].sort(([a], [b]) => (a < b ? -1 : 1))) {
      groups.set(key, await sql.lockGroup(tx, source.repositoryId, spec.concurrency?.group ?? ''));
    }
    return new EnteredGroups(tx, groups);
  }

  /** That of a run which is to be done again: what it says of its group never changes. */
  static async lockOf(tx: Transaction, runId: string): Promise<EnteredGroups> {
    const planned = await readPlanned(tx, runId);
    const row = await findRun(tx, { id: runId });
    const isKnown = planned?.kind === 'run.planned' && row !== undefined;
    return await EnteredGroups.lock(tx, isKnown ? [{ runId, spec: planned.spec, source: row.source }] : []);
  }

  /** Whether it may begin. */
  async originOf(run: Entrant, from: Whence): Promise<Pick<Origin, 'held' | 'supersededBy'>> {
    const concurrency = groupOf(run);
    const group = this.#groups.get(keyOf(run));
    if (concurrency === undefined || group === undefined) return {};
    const eventOrder = await this.#orderOf(run, from);
    const newcomer: Newcomer = {
      ...{ workflow: run.spec.workflow.name, policy: concurrency.policy, eventOrder },
      rerun: from.rerunOf !== undefined,
    };
    return originIn(await sql.readMembers(this.#tx, group.id), newcomer);
  }

  /** It counts from now on. */
  async join(run: Entrant, from: Whence): Promise<void> {
    const concurrency = groupOf(run);
    const group = this.#groups.get(keyOf(run));
    if (concurrency === undefined || group === undefined) return;
    const eventOrder = await this.#orderOf(run, from);
    const { policy } = concurrency;
    await this.keepPlace(run, from);
    const member = { runId: run.runId, workflow: run.spec.workflow.name, policy, eventOrder };
    await sql.insertMember(this.#tx, group.id, member);
    this.#tx.touch('concurrency');
  }

  /** Whoever does it again has its place, whether it counted or not. */
  async keepPlace(run: Entrant, from: Whence): Promise<void> {
    if (groupOf(run) !== undefined) await sql.setEventOrder(this.#tx, run.runId, await this.#orderOf(run, from));
  }

  async #orderOf(run: Entrant, from: Whence): Promise<number> {
    const known = this.#orders.get(run.runId);
    if (known !== undefined) return known;
    const again = from.rerunOf === undefined ? undefined : await sql.eventOrderOf(this.#tx, from.rerunOf);
    const order =
      from.deliveryId === undefined ? (again ?? (await sql.nextEventOrder(this.#tx))) : Number(from.deliveryId);
    this.#orders.set(run.runId, order);
    return order;
  }
}

export class PostgresConcurrency implements ConcurrencyStore {
  readonly #db: Database;
  readonly #commands: RunCommands;

  constructor(db: Database, commands: RunCommands) {
    this.#db = db;
    this.#commands = commands;
  }

  async settle(limit: number): ReturnType<ConcurrencyStore['settle']> {
    const total = { settled: 0, left: 0, skipped: 0, events: [] as FlowEvent[] };
    for (const id of await this.#db.direct((db) => sql.groupsToSettle(db, limit))) {
      for (;;) {
        const step = await this.#step(id);
        if (step === 'skipped') total.skipped += 1;
        else if ('left' in step) total.left += step.left;
        if (step === 'skipped' || 'left' in step) break;
        if (step.length > 0) total.settled += 1;
        total.events.push(...step);
      }
    }
    return total;
  }

  /** One command, or the end of what nobody has to know any more. The group's lock comes first, then the run's. */
  #step(groupId: string): Promise<FlowEvent[] | { left: number } | 'skipped'> {
    return this.#db.transaction(async (tx) => {
      const group = await sql.tryLockGroup(tx, groupId);
      if (group === undefined) return 'skipped';
      const members = await sql.readMembers(tx, groupId);
      const step = nextStep(members);
      if (step === undefined) {
        const gone = leavers(members, await sql.oldestWaiting(tx, group.repositoryId));
        return { left: await sql.removeMembers(tx, groupId, gone) };
      }
      const run = await this.#commands.lock(tx, step.runId, { skipLocked: true });
      if (run === undefined) return 'skipped';
      const outcome = await this.#commands.handle(
        tx,
        run,
        step.kind === 'admit' ? { kind: 'admit' } : { kind: 'supersede', byRunId: step.byRunId },
      );
      // Told, whatever it said: one that ends just now has no use for it.
      if (step.kind === 'supersede') await sql.markSuperseded(tx, step.runId);
      if (!isRefusal(outcome)) return outcome.events;
      return step.kind === 'supersede' ? [] : 'skipped';
    });
  }

  members(repositoryId: string, group: string): Promise<GroupMember[]> {
    return this.#db.snapshot(async (tx) => {
      const id = await sql.findGroup(tx, repositoryId, group);
      return id === undefined ? [] : await sql.readMembers(tx, id);
    });
  }
}

function groupOf(run: Entrant): { group: string; policy: 'supersede' | 'queue' } | undefined {
  const { concurrency } = run.spec;
  return concurrency === undefined || concurrency.policy === 'allow'
    ? undefined
    : { group: concurrency.group, policy: concurrency.policy };
}

function keyOf(run: Entrant): string {
  return `${run.source.repositoryId} ${run.spec.concurrency?.group ?? ''}`;
}
