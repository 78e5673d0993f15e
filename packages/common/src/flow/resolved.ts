import { SolsticeError } from '../errors/index.js';
import { graphOf } from './graph.js';
import { lateTextsOf } from './late-places.js';
import type { NodeFlow, RunFlow } from './messages.js';
import { nodeOf } from './node-table.js';
import type { GateSpec, JobSpec, LateText, NodeSpec, ServiceSpec, StepSpec } from './spec.js';

/** A service of which every text is known. */
export type ResolvedService = ServiceSpec & { image: string };

/** A job of which every text is known. Whatever makes a worker, or tells one what to do, goes by this. */
export type ResolvedJob = Omit<JobSpec, 'late' | 'services'> & { late?: never; services?: ResolvedService[] };

/** Undefined: the run has no such job. Throws `internal` for one whose turn has not come, if any of its texts is late. */
export function resolvedJobOf(run: Pick<RunFlow, 'runId' | 'spec' | 'nodes'>, nodeId: string): ResolvedJob | undefined {
  const job = graphOf(run.spec).job(nodeId);
  return job && resolveJob(job, textsOf(job, nodeOf(run, nodeId)));
}

/** Is all of its text known, as of everything that has begun? */
export function hasTexts(spec: NodeSpec, node: Pick<NodeFlow, 'texts'>): boolean {
  return lateTextsOf(spec).length === (node.texts ?? []).length;
}

/** As it is known so far: not before its node is ready, if it is late. */
export function imageOf(spec: NodeSpec | undefined, node: Pick<NodeFlow, 'texts'> | undefined): string | undefined {
  return spec?.kind !== 'job' ? undefined : (spec.image ?? knownText(spec, node, 'image'));
}

/** The same of what a gate asks. */
export function promptOf(spec: GateSpec, node: Pick<NodeFlow, 'texts'> | undefined): string | undefined {
  return spec.prompt ?? knownText(spec, node, 'prompt');
}

function knownText(
  spec: NodeSpec,
  node: Pick<NodeFlow, 'texts'> | undefined,
  kind: LateText['at']['kind'],
): string | undefined {
  const index = lateTextsOf(spec).findIndex(({ at }) => at.kind === kind);
  return index < 0 ? undefined : node?.texts?.[index];
}

type Known = { at: LateText['at']; text: string }[];

function textsOf(job: JobSpec, node: NodeFlow | undefined): Known {
  return lateTextsOf(job).map(({ at }, index) => {
    const text = node?.texts?.[index];
    if (text === undefined) {
      throw new SolsticeError('internal', `${job.id} is ${node?.state ?? 'unknown'}, and its texts are not known yet`);
    }
    return { at, text };
  });
}

function resolveJob(job: JobSpec, known: Known): ResolvedJob {
  const { late: _late, services, ...early } = job;
  const image = known.find(({ at }) => at.kind === 'image')?.text ?? early.image;
  const { length } = early.steps;
  const afterCatch = length + (early.catch ?? []).length;
  const steps = (all: readonly StepSpec[], from: number): StepSpec[] =>
    all.map((step, index) => {
      const own = envOf(known, ({ kind, ...at }) => kind === 'step-env' && 'step' in at && at.step === from + index);
      return { ...step, env: { ...own, ...step.env } };
    });
  return {
    ...early,
    ...(image !== undefined && { image }),
    env: { ...envOf(known, ({ kind }) => kind === 'env'), ...early.env },
    steps: steps(early.steps, 0),
    ...(early.catch && { catch: steps(early.catch, length) }),
    ...(early.finally && { finally: steps(early.finally, afterCatch) }),
    ...(services && { services: services.map((service) => resolveService(service, known)) }),
  };
}

function resolveService(service: ServiceSpec, known: Known): ResolvedService {
  const ofIt = known.filter(({ at }) => 'service' in at && at.service === service.name);
  const image = service.image ?? ofIt.find(({ at }) => at.kind === 'service-image')?.text;
  if (image === undefined) {
    throw new SolsticeError('internal', `service ${service.name} has no image`);
  }
  return { ...service, image, env: { ...envOf(ofIt, ({ kind }) => kind === 'service-env'), ...service.env } };
}

/** What is known from the beginning has the last word: a variable is one or the other. */
function envOf(known: Known, isMeant: (at: LateText['at']) => boolean): Record<string, string> {
  return Object.fromEntries(
    known.flatMap(({ at, text }): [string, string][] => ('name' in at && isMeant(at) ? [[at.name, text]] : [])),
  );
}
