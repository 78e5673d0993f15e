import { readBootId, readProcess } from './proc.js';

/** Names one process for good: a pid is used again, the three together are not. */
export interface ProcessIdentity {
  pid: number;
  startTicks: string;
  bootId: string;
}

/** Undefined: there is no such process (any more). */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const entry = await readProcess(pid);
  if (entry === undefined) return undefined;
  return { pid, startTicks: entry.startTicks, bootId: await readBootId() };
}

/** A zombie counts as ended: where pid 1 does not reap, an orphan stays one for ever. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  const entry = await readProcess(identity.pid);
  if (entry === undefined || entry.state === 'Z' || entry.startTicks !== identity.startTicks) return false;
  return (await readBootId()) === identity.bootId;
}
