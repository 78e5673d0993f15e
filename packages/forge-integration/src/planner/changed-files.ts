import { branchOf, type PushEvent } from '@solstice/common/forge';
import type { Repository } from '@solstice/common/store';
import type { ChangedFiles } from '@solstice/common/workflow';
import type { Comparison, Forge } from '../forges/forge.js';
import { ForgeError } from '../forges/forge-error.js';
import { defaultRefOf } from './default-ref.js';
import type { Occasion } from './occasion.js';

/** So often a forge that gives the workflow files, but no comparison, is asked again; then it runs without. */
const PATIENCE_TRIES = 8;

export interface AskChanged {
  repository: Repository;
  forge: Forge;
  /** How often this delivery has been put off already. */
  tries: number;
  signal: AbortSignal;
}

/**
 * What a push or a pull request changed. Where that cannot be told, the reason why not: then a workflow runs whatever its
 * paths say, because one that was needed and did not run is worse. Rejects with ForgeError `unavailable` while the forge
 * is away.
 */
export async function changedFiles({ event, source }: Occasion, ask: AskChanged): Promise<ChangedFiles> {
  try {
    if (event.kind !== 'forge.push.v1') return await ofPullRequest(source, ask);
    return event.created ? await ofNewRef(event, ask) : await between(event.before, event.after, ask);
  } catch (error) {
    if (!(error instanceof ForgeError)) throw error;
    if (error.problem !== 'unavailable' || ask.tries >= PATIENCE_TRIES) return unknown(error.message);
    throw error;
  }
}

/** Since it left the branch that it is to be merged into. */
async function ofPullRequest({ before, commit }: Occasion['source'], ask: AskChanged): Promise<ChangedFiles> {
  return before === undefined ? unknown('there is nothing to be compared with') : since(before, commit, ask);
}

/** A new branch changes what the default branch does not have. */
async function ofNewRef(event: PushEvent, ask: AskChanged): Promise<ChangedFiles> {
  const { forge, repository, signal } = ask;
  const ref = await defaultRefOf(repository, forge, signal);
  const base = ref === undefined || ref === event.ref ? undefined : await forge.resolveRef(repository, ref, signal);
  if (base === undefined)
    return unknown(`${branchOf(event.ref) ?? event.ref} is new, with nothing to be compared with`);
  return since(base, event.after, ask);
}

/** All that is different now, also what a forced push took away: each side since their merge base. */
async function between(before: string, after: string, ask: AskChanged): Promise<ChangedFiles> {
  const there = await compare(before, after, ask);
  if ('unknown' in there) return unknown(there.unknown);
  if (there.behind === 0) return { kind: 'files', paths: there.paths };
  const back = await compare(after, before, ask);
  if ('unknown' in back) return unknown(back.unknown);
  return { kind: 'files', paths: [...new Set([...there.paths, ...back.paths])] };
}

async function since(base: string, head: string, ask: AskChanged): Promise<ChangedFiles> {
  const found = await compare(base, head, ask);
  return 'unknown' in found ? unknown(found.unknown) : { kind: 'files', paths: found.paths };
}

async function compare(
  base: string,
  head: string,
  { forge, repository, signal }: AskChanged,
): Promise<(Omit<Comparison, 'files'> & { paths: string[] }) | { unknown: string }> {
  const found = await forge.compare(repository, base, head, signal);
  if (found === undefined) {
    const pair = `${base.slice(0, 8)} and ${head.slice(0, 8)}`;
    return { unknown: `${pair} cannot be compared: one is gone, or they have nothing in common` };
  }
  const { files, ...counts } = found;
  return files.kind === 'incomplete' ? { unknown: files.reason } : { ...counts, paths: files.paths };
}

function unknown(reason: string): ChangedFiles {
  return { kind: 'unknown', reason };
}
