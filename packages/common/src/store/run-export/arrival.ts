import { SolsticeError } from '../../errors/index.js';
import { attemptOf, effects, type FlowEvent, type Refusal, type RunFlow, type RunState } from '../../flow/index.js';
import type { Message } from '../../messages/index.js';
import type { Repository, SourceRef } from '../port/index.js';
import type { RunExport } from './document.js';

/** The source as it is called here: whose repository it is, and where it is fetched, is for this installation to say. */
export function sourceOf({ source }: RunExport, repository: Repository): SourceRef {
  return {
    repositoryId: repository.id,
    forge: repository.forge,
    repositoryName: repository.name,
    cloneUrl: repository.cloneUrl,
    ref: source.ref,
    commit: source.commit,
    before: source.before,
    title: source.title,
  };
}

/** Its place in its concurrency group: what it comes from happened before all that came here, and takes nothing's place. */
export const beforeAllOthers = { deliveryId: '0' };

/** Who has to hear, where the run has come to, of what was queued before it went. */
export function messagesOf(flow: RunFlow, events: readonly FlowEvent[]): Message[] {
  const isQueued = (event: FlowEvent): boolean =>
    'attemptId' in event && attemptOf(flow, event.attemptId)?.state === 'queued';
  return effects(flow, events.filter(isQueued));
}

export function alreadyHere(run: { id: string; number: number; state: RunState }): Refusal {
  return {
    refused: true,
    reason: `it is here already, as run ${run.number}, which is ${run.state}; nothing was changed`,
    state: run.state,
  };
}

export function missingRepository({ forge, repository }: RunExport['source']): SolsticeError {
  return new SolsticeError(
    'not-found',
    `The run is of repository ${repository} of forge ${forge}, which is not here.`,
    {
      hint: `Add it with ciadm repo add ${repository} --forge ${forge}; a forge of another name is set in solstice.kdl. Then import the run again.`,
    },
  );
}
