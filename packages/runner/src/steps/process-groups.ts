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

/** Also true where /proc shows none of them: then the signal's word counts. */
function hasRunning(groupId: number): boolean {
  const members = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && groupOf(name).groupId === groupId);
  return members.length === 0 || members.some((name) => groupOf(name).runs);
}

function groupOf(pid: string): { groupId: number | undefined; runs: boolean } {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // What the program calls itself stands before, in brackets, and may have any character.
    const [state = '', , group] = line.slice(line.lastIndexOf(')') + 2).split(' ');
    return { groupId: Number(group), runs: state !== 'Z' && state !== 'X' };
  } catch {
    // It was collected while we looked.
    return { groupId: undefined, runs: false };
  }
}
