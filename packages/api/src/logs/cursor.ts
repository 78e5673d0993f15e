/** How far a reader is in the logs of a run: for each job the attempt that it reads and the last record it has. */
export type Cursor = ReadonlyMap<string, { attempt: number; seq: number }>;

/**
 * `0/1:55;2/2:7`: the jobs by their place in the run, which is frozen, so that it stays short enough for a header
 * whatever the jobs are called. `-` is a reader that has nothing yet.
 */
export function formatCursor(cursor: Cursor, jobs: readonly string[]): string {
  const parts = jobs.flatMap((job, index) => {
    const stands = cursor.get(job);
    return stands ? [`${index}/${stands.attempt}:${stands.seq}`] : [];
  });
  return parts.join(';') || '-';
}

/** Undefined: not a cursor of this run. A bare record number counts where exactly one attempt is meant (`only`). */
export function parseCursor(
  text: string,
  jobs: readonly string[],
  only?: { job: string; attempt: number },
): Cursor | undefined {
  const cursor = new Map<string, { attempt: number; seq: number }>();
  if (text === '-') return cursor;
  if (/^\d{1,15}$/.test(text)) return only && cursor.set(only.job, { attempt: only.attempt, seq: Number(text) });
  for (const part of text.split(';')) {
    const match = /^(\d{1,6})\/(\d{1,6}):(\d{1,15})$/.exec(part);
    const job = jobs[Number(match?.[1])];
    if (!match || job === undefined) return undefined;
    cursor.set(job, { attempt: Number(match[2]), seq: Number(match[3]) });
  }
  return cursor;
}
