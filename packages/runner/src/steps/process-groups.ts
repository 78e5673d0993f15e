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
