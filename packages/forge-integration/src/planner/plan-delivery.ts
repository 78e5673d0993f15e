import { branchOf, isZeroCommit, type PushEvent, shortRefOf } from '@solstice/common/forge';
import type { Delivery, PlanRequest, Repository, SourceRef } from '@solstice/common/store';
import type { Forge } from '../forges/forge.js';
import { failedCheck, type Ids, joinReasons, newRun, type ParseFiles, readCommit, selectByPush } from './draft-plan.js';

/** What becomes of a delivery. */
export type Verdict =
  | { kind: 'settle'; state: 'ignored' | 'failed'; reason: string }
  | { kind: 'plan'; request: PlanRequest };

/** Reads the commit and decides; writes nothing. Rejects with ForgeError when the forge does not give the files. */
export async function judgeDelivery(
  delivery: Delivery & { event: PushEvent },
  repository: Repository,
  forge: Forge,
  dependencies: { parse: ParseFiles; ids: Ids; signal: AbortSignal },
): Promise<Verdict> {
  const { event } = delivery;
  if (event.deleted) {
    const kind = branchOf(event.ref) === undefined ? 'tag' : 'branch';
    return { kind: 'settle', state: 'ignored', reason: `${kind} ${shortRefOf(event.ref)} was deleted` };
  }
  const files = await forge.readWorkflowFiles(repository, event.after, dependencies.signal);
  if (files.length === 0) {
    return { kind: 'settle', state: 'ignored', reason: `commit ${event.after} has no .solstice/*.kdl` };
  }
  const { workflows, broken } = await readCommit(files, dependencies.parse);
  const { matching, reasons } = selectByPush(workflows, event);
  const brokenReasons = broken.map(({ path }) => `${path} is broken; its check says where`);
  if (matching.length === 0 && broken.length === 0) {
    return { kind: 'settle', state: 'ignored', reason: joinReasons(reasons) };
  }
  const source = sourceOf(repository, event);
  const trigger = { event: 'push', actor: event.pusher.login };
  const state = matching.length === 0 ? 'failed' : 'planned';
  const why = [...brokenReasons, ...reasons];
  return {
    kind: 'plan',
    request: {
      deliveryId: delivery.id,
      runs: matching.map((workflow) => newRun(workflow, source, trigger, dependencies.ids)),
      failedChecks: broken.map((file) => failedCheck(file, source)),
      outcome: { state, reason: why.length === 0 ? undefined : joinReasons(why) },
    },
  };
}

function sourceOf(repository: Repository, event: PushEvent): SourceRef {
  return {
    repositoryId: repository.id,
    forge: repository.forge,
    repositoryName: repository.name,
    cloneUrl: repository.cloneUrl,
    ref: event.ref,
    commit: event.after,
    before: isZeroCommit(event.before) ? undefined : event.before,
    title: event.title,
  };
}
