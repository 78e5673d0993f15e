import { SolsticeError } from '@solstice/common/errors';
import { isCommitId, type PushEvent } from '@solstice/common/forge';
import type { PlanRequest, RequestKey, Store } from '@solstice/common/store';
import { noTracing, sourceAttributes, type Tracing } from '@solstice/common/telemetry';
import type { Forges } from '../forges/create-forges.js';
import { checkInputs } from './check-inputs.js';
import { defaultRefOf } from './default-ref.js';
import {
  draftRuns,
  failedCheck,
  type Ids,
  joinReasons,
  type ParseFiles,
  readCommit,
  selectByEvent,
  unreadError,
  unreadIn,
} from './draft-plan.js';
import { type Occasion, occasionOfPush } from './occasion.js';
import { withTrace } from './with-trace.js';

export interface ManualRequest {
  repositoryId: string;
  /** `refs/heads/main`, or short: `main`. Absent: the default branch. */
  ref: string | undefined;
  /** Whole; absent: the ref's newest. */
  commit: string | undefined;
  /** Only the workflow with this name, whatever starts it; absent: all that a push of the ref would start. */
  workflow: string | undefined;
  /** Of that workflow, by name. */
  inputs?: Readonly<Record<string, string>> | undefined;
  actor: string;
  /** The same request again gives what the first one made, also when the ref has gone on since. */
  requestKey?: RequestKey | undefined;
}

export interface ManualOutcome {
  runs: { id: string; number: number; pageKey: string }[];
  /** Why there is no run, or none for some file. */
  reason?: string;
}

const TIMEOUT_MS = 60_000;

/** See Planner.planManually. */
export async function planManually(
  request: ManualRequest,
  dependencies: {
    store: Pick<Store, 'repositories' | 'runs' | 'requestKeys'>;
    forges: Forges;
    parse: ParseFiles;
    ids: Ids;
    tracing: Tracing | undefined;
  },
): Promise<ManualOutcome> {
  const { store, forges, parse, ids, tracing = noTracing } = dependencies;
  const { requestKey } = request;
  const before = requestKey && (await store.requestKeys.find(requestKey));
  if (before !== undefined) return before;
  const startAt = new Date();
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const repository = await store.repositories.get(request.repositoryId);
  if (!repository) throw new SolsticeError('not-found', 'There is no such repository.');
  const forge = forges.get(repository.forge);
  if (!forge) throw new SolsticeError('not-found', `The forge ${repository.forge} is not in the settings any more.`);

  if (request.commit !== undefined && !isCommitId(request.commit)) {
    throw new SolsticeError('usage', `${request.commit} is not a whole commit id.`, {
      hint: 'Give all 40 (or 64) hex digits, in lower case.',
    });
  }
  const ref = fullRef(request.ref) ?? (await defaultRefOf(repository, forge, signal));
  if (ref === undefined) throw new SolsticeError('not-found', `${repository.name} has no default branch; name a ref.`);
  const commit = request.commit ?? (await forge.resolveRef(repository, ref, signal));
  if (commit === undefined) {
    throw new SolsticeError('not-found', `${repository.name} has no ref ${ref}.`, {
      ...(request.ref === undefined && {
        hint: 'It is what is taken for its default branch: name another with --ref, or once for all with ciadm repo add … --default-branch.',
      }),
    });
  }

  const files = await forge.readWorkflowFiles(repository, commit, signal);
  if (files.length === 0) return { runs: [], reason: `commit ${commit} has no .solstice/*.kdl` };
  const read = await readCommit(files, parse);
  const { workflows, broken } = read;
  const event: PushEvent = {
    kind: 'forge.push.v1',
    repository: { forgeRepositoryId: repository.forgeRepositoryId ?? repository.name, name: repository.name },
    ref,
    before: '0'.repeat(commit.length),
    after: commit,
    created: true,
    deleted: false,
    forced: false,
    pusher: { login: request.actor },
  };
  const named = workflows.filter(({ name }) => name === request.workflow);
  // With a name that was found, the other files are not what was asked about.
  const unread = named.length === 0 ? unreadIn(read) : undefined;
  if (unread !== undefined) throw unreadError(unread);
  if (request.workflow !== undefined && named.length === 0) {
    const names = workflows.map(({ name }) => name).join(', ') || 'none';
    const alsoBroken = broken.length === 0 ? '' : ` Broken: ${broken.map(({ path }) => path).join(', ')}.`;
    throw new SolsticeError('not-found', `Commit ${commit} has no workflow "${request.workflow}".`, {
      hint: `Its workflows: ${names}.${alsoBroken}`,
    });
  }
  // What changed is not asked about: somebody wants it to run.
  const { matching, reasons } =
    request.workflow === undefined ? selectByEvent(workflows, event, undefined) : { matching: named, reasons: [] };
  checkInputs(matching, request);
  const occasion: Occasion = {
    ...occasionOfPush(event, repository),
    trigger: { event: 'manual', actor: request.actor },
    inputs: request.inputs ?? {},
  };
  const drafted = draftRuns(matching, occasion, ids);
  // With a name, the other files are not what was asked about.
  const checked = [...(request.workflow === undefined ? broken : []), ...drafted.broken];
  const why = [...checked.map(({ path }) => `${path} is broken; its check says where`), ...reasons];
  const reason = why.length === 0 ? {} : { reason: joinReasons(why) };
  if (drafted.runs.length === 0 && checked.length === 0) return { runs: [], ...reason };
  const { source } = occasion;
  const span = tracing.span('plan', {
    startAt,
    attributes: { ...sourceAttributes(source), 'solstice.event': 'manual' },
  });
  const plan: PlanRequest = {
    deliveryId: undefined,
    runs: drafted.runs,
    failedChecks: checked.map((file) => failedCheck(file, source)),
    outcome: { state: 'planned', reason: reason.reason },
    requestKey,
  };
  const planned = await store.runs.plan(withTrace(plan, span.context));
  span.end();
  // Another one with this key was quicker.
  if (!planned.planned && requestKey !== undefined) return (await store.requestKeys.find(requestKey)) ?? planned;
  return { runs: planned.runs, ...reason };
}

function fullRef(ref: string | undefined): string | undefined {
  return ref === undefined || ref.startsWith('refs/') ? ref : `refs/heads/${ref}`;
}
