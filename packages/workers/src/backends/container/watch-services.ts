import { toError } from '@solstice/common/errors';
import { describeDuration, type ResolvedService } from '@solstice/common/flow';
import { pause } from '@solstice/common/loops';
import { toReason } from '@solstice/common/rpc';
import type { Logger } from '@solstice/common/telemetry';
import type Docker from 'dockerode';
import type { ServiceEvents, ServiceFailure } from '../backend.js';
import { lastLines } from '../last-lines.js';
import { lastOutput, waitForContainer } from './container-exit.js';
import { serviceNameOf } from './container-names.js';
import { engineWords } from './docker-errors.js';
import { lastOfStream } from './exec-output.js';

export interface WatchedServices {
  docker: Docker;
  workerId: string;
  services: readonly ResolvedService[];
  logger: Logger;
}

const LINES_MAX = 20;
const PROBE_LINES_MAX = 3;
const PROBE_CHARACTERS_MAX = 1_000;

type Readiness = NonNullable<ResolvedService['ready']>;

/**
 * Looks on until one has ended, or the signal is aborted: asks each whether it is ready, and notices its end. That one is not
 * ready ends the asking alone. It is asked anew when a worker is taken over, and a job whose steps run goes on without a word of
 * it: the end of a service is then still to be told.
 */
export function watchServices(watched: WatchedServices, events: ServiceEvents, signal: AbortSignal): void {
  const enough = new AbortController();
  const over = AbortSignal.any([signal, enough.signal]);
  let hasEnded = false;
  const fail = (failure: ServiceFailure): void => {
    if (signal.aborted || hasEnded || (!failure.ended && enough.signal.aborted)) return;
    hasEnded = failure.ended;
    enough.abort();
    events.onFailed(failure);
  };
  for (const service of watched.services) {
    void untilEnded(watched, service).then(fail, () => undefined);
  }
  const probes = watched.services.map(async (service) => {
    const failure = await untilReady(watched, service, over);
    if (failure !== undefined) fail(failure);
  });
  void Promise.all(probes).then(
    () => {
      if (!over.aborted) events.onReady();
    },
    (error: unknown) => {
      // Aborted in the middle of waiting; anything else would be a fault of ours.
      if (!over.aborted) watched.logger.error({ workerId: watched.workerId, err: error }, 'services are not watched');
    },
  );
}

async function untilEnded(
  { docker, workerId, logger }: WatchedServices,
  service: ResolvedService,
): Promise<ServiceFailure> {
  const exit = await waitForContainer(docker, serviceNameOf(workerId, service.name), logger);
  const about = { name: service.name, ended: true };
  if (exit.kind === 'gone') return { ...about, detail: 'is not there any more', output: [] };
  const how = exit.outOfMemory ? 'ran out of memory' : `ended with exit code ${exit.exitCode ?? 'unknown'}`;
  return { ...about, detail: how, output: linesOf(exit.lastOutput) };
}

/** Undefined: it is ready. Rejects when aborted. */
async function untilReady(
  { docker, workerId }: WatchedServices,
  { name, ready }: ResolvedService,
  over: AbortSignal,
): Promise<ServiceFailure | undefined> {
  if (ready === undefined) return undefined;
  const container = docker.getContainer(serviceNameOf(workerId, name));
  const answered = new AbortController();
  const said = await ask(container, ready, over, answered.signal).finally(() => answered.abort());
  if (said === 'ready') return undefined;
  const why = said.last === '' ? '' : ` (${ready.command}: ${said.last})`;
  return {
    name,
    ended: false,
    detail: `was not ready within ${describeDuration(ready.withinMs)}${why}`,
    output: linesOf(await lastOutput(container).catch(() => '')),
  };
}

/** Again and again while there is time. `enough`: nobody waits for an answer that is still coming. Rejects when `over`. */
async function ask(
  container: Docker.Container,
  { command, intervalMs, withinMs }: Readiness,
  over: AbortSignal,
  enough: AbortSignal,
): Promise<'ready' | { last: string }> {
  const endsMs = performance.now() + withinMs;
  const end = noTimeLeft(withinMs, over);
  let last = '';
  while (performance.now() < endsMs) {
    const answer = await Promise.race([probe(container, command, enough), end]);
    if (answer === 'no time left') return { last: last || 'it did not come to its end' };
    if (answer.ready) return 'ready';
    last = answer.said;
    await pause(Math.max(0, Math.min(intervalMs, endsMs - performance.now())), { signal: over, ref: false });
  }
  return { last };
}

/** Runs the command once, with the shell of the image. An engine that does not answer just now is asked again. */
async function probe(
  container: Docker.Container,
  command: string,
  enough: AbortSignal,
): Promise<{ ready: boolean; said: string }> {
  try {
    const exec = await container.exec({ Cmd: ['/bin/sh', '-c', command], AttachStdout: true, AttachStderr: true });
    const output = await lastOfStream(await exec.start({ hijack: false, stdin: false }), enough);
    const { ExitCode } = await exec.inspect();
    const words = wordsOf(lastLines(output, PROBE_LINES_MAX));
    return { ready: ExitCode === 0, said: words === '' ? `exit code ${ExitCode ?? 'unknown'}` : words };
  } catch (thrown) {
    return { ready: false, said: wordsOf(engineWords(toError(thrown))) };
  }
}

/** What it said goes into a reason, and in one message to the runner: neither takes a NUL, or lines without end. */
function wordsOf(text: string): string {
  return toReason(text.slice(-PROBE_CHARACTERS_MAX)).trim();
}

async function noTimeLeft(ms: number, signal: AbortSignal): Promise<'no time left'> {
  await pause(ms, { signal, ref: false });
  return 'no time left';
}

function linesOf(text: string): string[] {
  const trimmed = text.trimEnd();
  return trimmed === '' ? [] : lastLines(trimmed, LINES_MAX).split('\n');
}
