/** `<runId>/<nodeId>/<number>`: an attempt names its run and node by itself. */
export function attemptIdOf(runId: string, nodeId: string, number: number): string {
  return `${runId}/${nodeId}/${number}`;
}

/** Undefined for a text that is no attempt id. */
export function parseAttemptId(id: string): { runId: string; nodeId: string; number: number } | undefined {
  const match = /^([^/]+)\/(.+)\/([1-9]\d*)$/.exec(id);
  if (match?.[1] === undefined || match[2] === undefined) {
    return undefined;
  }
  return { runId: match[1], nodeId: match[2], number: Number(match[3]) };
}
