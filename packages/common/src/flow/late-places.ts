import { assertNever } from '../errors/index.js';
import { type JobSpec, type LateText, type NodeSpec, type RunSpec, stepsOf } from './spec.js';

// Where texts stand that are known only when their node becomes ready.

export type LatePlace = LateText['at'];

/** In the order in which their values are kept. */
export function lateTextsOf(node: NodeSpec | undefined): readonly LateText[] {
  return node?.kind === 'job' || node?.kind === 'gate' ? (node.late ?? []) : [];
}

/** `image`, `env VERSION of step “Unit”`: a place as messages call it. */
export function describePlace(at: LatePlace, node: NodeSpec): string {
  switch (at.kind) {
    case 'image':
    case 'prompt':
      return at.kind;
    case 'env':
      return `env ${at.name}`;
    case 'step-env':
      return `env ${at.name} of step “${stepsOf(node)[at.step]?.name ?? at.step}”`;
    case 'service-image':
      return `image of service ${at.service}`;
    case 'service-env':
      return `env ${at.name} of service ${at.service}`;
    default:
      return assertNever(at);
  }
}

/** Why texts of this run have no place; undefined: they have. A file gives none that is wrong. */
export function problemOfLateTexts(spec: RunSpec): string | undefined {
  for (const node of spec.nodes) {
    const taken = new Set<string>();
    for (const { at } of lateTextsOf(node)) {
      const key = JSON.stringify(Object.entries(at).sort());
      const problem = taken.has(key) ? 'is there twice' : problemOfPlace(at, node);
      if (problem !== undefined) {
        return `${node.id}: ${describePlace(at, node)} ${problem}`;
      }
      taken.add(key);
    }
    const services = node.kind === 'job' ? (node.services ?? []) : [];
    const without = services.find(
      ({ name, image }) =>
        image === undefined && !lateTextsOf(node).some(({ at }) => at.kind === 'service-image' && at.service === name),
    );
    if (without !== undefined) {
      return `${node.id}: service ${without.name} has no image`;
    }
  }
  return undefined;
}

function problemOfPlace(at: LatePlace, node: NodeSpec): string | undefined {
  const isTaken = 'is known already, and would be made again';
  if (at.kind === 'prompt') {
    return node.kind !== 'gate' ? 'is for gates' : node.prompt === undefined ? undefined : isTaken;
  }
  if (node.kind !== 'job') {
    return 'is for jobs';
  }
  const holder = holderOf(at, node);
  if (holder === undefined) {
    return 'has no place';
  }
  // Of a variable what is known has the last word, as the planner's own variables have.
  return 'image' in holder && !('name' in at) ? isTaken : undefined;
}

/** What of a job the text belongs to. */
function holderOf(at: Exclude<LatePlace, { kind: 'prompt' }>, job: JobSpec): object | undefined {
  switch (at.kind) {
    case 'image':
    case 'env':
      return job;
    case 'step-env':
      return stepsOf(job)[at.step];
    case 'service-image':
    case 'service-env':
      return (job.services ?? []).find(({ name }) => name === at.service);
    default:
      return assertNever(at);
  }
}
