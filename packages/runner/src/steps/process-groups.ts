import { readdirSync, readFileSync } from 'node:fs';

/** The process groups that steps have made and that may still have members. A step's background children live until the job ends. */
export class ProcessGroups {
  readonly #groups = new Set<number>();

  add(groupId: number): void {
    this.#groups.add(groupId);
  }

  /** True while the group has a member. */
  signal(groupId: number, signal: NodeJS.Signals): boolean {
    return this.#groups.has(groupId) && send(groupId, signal);
  }

  isAlive(groupId: number): boolean {
    return this.#groups.has(groupId) && send(groupId, 0);
  }

  /**
   * True while one of its members still runs. A signal also finds those that have ended and that nobody has collected: for as
   * long as a busy machine's first process takes, and for ever where the first process of a container collects none.
   */
  isRunning(groupId: number): boolean {
    return this.isAlive(groupId) && hasRunning(groupId);
  }

  /** Lets go of empty groups: their number may soon be another's, which must never be hit. */
  forgetEmpty(): void {
    for (const groupId of this.#groups) if (!send(groupId, 0)) this.#groups.delete(groupId);
  }

  killAll(): void {
    for (const groupId of this.#groups) send(groupId, 'SIGKILL');
  }
}

function send(groupId: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-groupId, signal);
    return true;
  } catch (error) {
    // EPERM: there is a member, but it is another user's now (a set-user-id program).
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** What is read of /proc. A process may be collected at any time: then there is nothing. */
export interface ProcessTable {
  pids(): string[];
  /** The line of its `stat`. */
  stat(pid: string): string | undefined;
  /** How many of its threads have not been collected, the main one among them. */
  threads(pid: string): number;
}

const procTable: ProcessTable = {
  pids: () => readdirSync('/proc').filter((name) => /^\d+$/.test(name)),
  stat: (pid) => orGone(() => readFileSync(`/proc/${pid}/stat`, 'latin1')),
  threads: (pid) => orGone(() => readdirSync(`/proc/${pid}/task`))?.length ?? 0,
};

function orGone<Found>(read: () => Found): Found | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/**
 * Also true where the table shows none of the group: then the signal's word counts. One look may miss a member: one that
 * forks and ends after the list was made leaves a child that is not in it. It is in the next.
 */
export function hasRunning(groupId: number, table: ProcessTable = procTable): boolean {
  return showsRunning(groupId, table) || showsRunning(groupId, table);
}

function showsRunning(groupId: number, table: ProcessTable): boolean {
  const members = table.pids().flatMap((pid) => {
    const member = parseStat(table.stat(pid) ?? '');
    return member.groupId === groupId ? { pid, state: member.state } : [];
  });
  return members.length === 0 || members.some(({ pid, state }) => runs(pid, state, table));
}

/** The state is that of the main thread, which may end before the others. */
function runs(pid: string, state: string, table: ProcessTable): boolean {
  return state === 'Z' ? table.threads(pid) > 1 : state !== 'X';
}

function parseStat(line: string): { groupId: number; state: string } {
  // What the program calls itself stands before, in brackets, and may have any character.
  const [state = '', , group] = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return { groupId: Number(group), state };
}
