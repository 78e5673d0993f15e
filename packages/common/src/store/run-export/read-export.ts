import { SolsticeError, toError } from '../../errors/index.js';
import {
  attemptOf,
  attemptsOf,
  decide,
  type FlowEvent,
  graphOf,
  groupOf,
  hasTexts,
  isRefusal,
  isTerminal,
  nodesOf,
  type RunFlow,
  replay,
  stepsOf,
  timersOf,
  withoutExport,
} from '../../flow/index.js';
import type { LogChunkRecord, StepRecord } from '../port/index.js';
import { waitingSteps } from '../projection/index.js';
import { EXPORT_VERSION, type ExportedAttempt, type RunExport, runExportSchema } from './document.js';

/** A run that comes from another installation, as it goes on here. */
export interface ArrivingRun {
  document: RunExport;
  flow: RunFlow;
  /** Without the export: as it was before. */
  events: FlowEvent[];
  /** Of attempts that have ended, by id. */
  attempts: ReadonlyMap<string, ArrivingAttempt>;
}

export interface ArrivingAttempt {
  durableSeq: number;
  /** All of its steps. */
  steps: StepRecord[];
  chunks: LogChunkRecord[];
}

/**
 * Reads what `export` wrote, from a file that anybody may have edited: its form, and that its events are those of a run
 * that can go on. Rejects with `usage`, saying where it is wrong.
 */
export function readExport(given: unknown): ArrivingRun {
  const version = (given as { version?: unknown } | null)?.version;
  if (typeof version === 'number' && version !== EXPORT_VERSION) {
    throw new SolsticeError('usage', `This file has form ${version}, and this version reads form ${EXPORT_VERSION}.`, {
      hint: 'Another version of Solstice wrote it: import it with one that is as new.',
    });
  }
  const parsed = runExportSchema.safeParse(given);
  if (!parsed.success) {
    const issues = parsed.error.issues.slice(0, 5).map(({ path, message }) => {
      const where = path.join('.');
      return where === '' ? message : `${where}: ${message}`;
    });
    throw unusable(issues.join('; '));
  }
  const document = parsed.data;
  const all = document.events as FlowEvent[];
  const events = withoutExport(all);
  if (events.length === all.length) {
    throw unusable('its events say nothing of an export, so it may still go on where it comes from');
  }
  requireReplay(all);
  const flow = requireReplay(events);
  requireRest(document, flow, events);
  return { document, flow, events, attempts: attemptsIn(document, flow) };
}

function requireReplay(events: readonly FlowEvent[]): RunFlow {
  try {
    return replay(events);
  } catch (error) {
    throw unusable(toError(error).message);
  }
}

/** That it can go on by itself: legal moves alone do not say so. */
function requireRest(document: RunExport, flow: RunFlow, events: readonly FlowEvent[]): void {
  const { run } = document;
  if (flow.runId !== run.id || flow.spec.workflow.name !== run.workflow) {
    throw unusable(`its events are of run ${flow.runId} of ${flow.spec.workflow.name}`);
  }
  const [planned] = events;
  if (planned?.kind === 'run.planned') {
    const { seq: _seq, at: _at, kind: _kind, ...plan } = planned;
    const again = decide(undefined, { kind: 'plan', ...plan }, planned.at);
    if (isRefusal(again)) throw unusable(again.reason);
  }
  // After its deadline, what follows a failure still goes on.
  const isBeingEnded = flow.cancelRequested !== undefined && flow.cancelRequested.because?.kind !== 'deadline';
  if (isTerminal(flow.state) || isBeingEnded) {
    throw unusable(`it was over before it was exported: ${isTerminal(flow.state) ? flow.state : 'cancelled'}`);
  }
  for (const node of nodesOf(flow)) {
    const spec = graphOf(flow.spec).spec(node.id);
    const kind = spec?.kind;
    const attempt = node.attempts.at(-1);
    const isQueued = attempt?.state === 'queued';
    if (attempt !== undefined && !isTerminal(attempt.state) && !isQueued) {
      throw unusable(`${attempt.hostId ?? 'a host'} has attempt ${attempt.id}`);
    }
    const isFree = spec?.onFailure !== true && groupOf(flow.spec, node.id)?.rules.maxParallel === undefined;
    const isForgotten = node.state === 'waiting' && node.openNeeds === 0 && isFree && flow.held !== true;
    const isOpen = node.state === 'running' && (kind === 'gate' || kind === 'wait');
    const isBegun = node.state === 'ready' || node.state === 'running';
    if (isBegun && spec !== undefined && !hasTexts(spec, node)) {
      throw unusable(`${node.id} is ${node.state}, and its texts are not known`);
    }
    if (isForgotten || (isQueued ? node.state !== 'ready' : isBegun && !isOpen)) {
      throw unusable(`${node.id} is ${node.state}, and nothing would go on with it`);
    }
  }
  for (const { key, fireAtMs } of timersOf(flow)) {
    if (!(fireAtMs <= 253_402_300_799_999)) throw unusable(`timer ${key} is too far away`);
  }
}

function attemptsIn(document: RunExport, flow: RunFlow): Map<string, ArrivingAttempt> {
  const ended = new Set(
    attemptsOf(flow)
      .filter(({ state }) => isTerminal(state))
      .map(({ id }) => id),
  );
  const found = new Map<string, ArrivingAttempt>();
  for (const attempt of document.attempts) {
    if (!ended.has(attempt.id) || found.has(attempt.id)) {
      throw unusable(`it has a log of attempt ${attempt.id}, which there is not, or which is there twice`);
    }
    found.set(attempt.id, {
      durableSeq: attempt.durableSeq,
      steps: stepsIn(attempt, flow),
      chunks: chunksIn(attempt),
    });
  }
  return found;
}

function stepsIn({ id, steps }: ExportedAttempt, flow: RunFlow): StepRecord[] {
  const spec = graphOf(flow.spec).job(attemptOf(flow, id)?.nodeId ?? '');
  const known = new Map(steps.map((step) => [step.index, step]));
  if (spec === undefined || known.size < steps.length || steps.some(({ index }) => index >= stepsOf(spec).length)) {
    throw unusable(`attempt ${id} has steps that its job has not`);
  }
  return waitingSteps(spec).map((waiting) => {
    const step = known.get(waiting.index);
    if (step === undefined) return waiting;
    return {
      ...waiting,
      state: step.state,
      exitCode: step.exitCode,
      signal: step.signal,
      startedAt: step.startedAt === undefined ? undefined : new Date(step.startedAt),
      endedAt: step.endedAt === undefined ? undefined : new Date(step.endedAt),
    };
  });
}

function chunksIn({ id, durableSeq, log }: ExportedAttempt): LogChunkRecord[] {
  let last = 0;
  return log.map(({ seq, step, stream, at, data }) => {
    if (seq <= last || seq > durableSeq) throw unusable(`the log of attempt ${id} is out of order at ${seq}`);
    last = seq;
    return { seq, step, stream, at: new Date(at), data: new Uint8Array(Buffer.from(data, 'base64')) };
  });
}

function unusable(why: string): SolsticeError {
  return new SolsticeError('usage', `This is no run that was exported, or it was changed since: ${why}.`, {
    hint: 'Export it again where it comes from: ciadm run export gives the same as the first time.',
  });
}
