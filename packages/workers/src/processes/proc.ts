import { readdir, readFile, readlink } from 'node:fs/promises';

/** One line of the system's process table, read from /proc. */
export interface ProcessEntry {
  pid: number;
  parentPid: number;
  sessionId: number;
  /** One letter; `Z`: it has ended and nobody has asked for its exit code. */
  state: string;
  /** Clock ticks since boot: with the pid and the boot id it names a process for good, also when the pid is used again. */
  startTicks: string;
}

/** `/proc/<pid>/stat`; the second field, the name, may itself hold spaces and brackets. */
export function parseStat(text: string): ProcessEntry | undefined {
  const nameEnd = text.lastIndexOf(')');
  const pid = Number.parseInt(text, 10);
  const fields = text.slice(nameEnd + 2).split(' ');
  const [state, parentPid, , sessionId] = fields;
  const startTicks = fields[19];
  if (nameEnd < 0 || !Number.isInteger(pid) || state === undefined || startTicks === undefined) return undefined;
  return { pid, parentPid: Number(parentPid), sessionId: Number(sessionId), state, startTicks };
}

export async function readProcess(pid: number): Promise<ProcessEntry | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : parseStat(text);
}

export async function listProcesses(): Promise<ProcessEntry[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const entries = await Promise.all(pids.map(readProcess));
  return entries.filter((entry) => entry !== undefined);
}

/** `NAME=value` strings; empty when it may not be read, or the process is gone. */
export async function readEnvironment(pid: number): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
  return text.split('\0');
}

export async function readWorkingDirectory(pid: number): Promise<string | undefined> {
  return await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
}

/** Changes with every boot of the machine. */
export async function readBootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}
