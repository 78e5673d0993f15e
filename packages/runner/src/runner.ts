import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Assignment } from '@solstice/common/rpc';
import { readBoot } from './boot.js';
import { type ExitCode, exitCodes, RunnerExit } from './exit-codes.js';
import { Session, type SessionOver } from './session/session.js';
import { Watchdog } from './session/watchdog.js';
import { checkOut } from './source/checkout.js';
import { RecordWriter } from './spool/record-writer.js';
import { Spool } from './spool/spool.js';
import { hasStarted, markStarted } from './spool/start-marker.js';
import { Job } from './steps/job.js';
import { ProcessGroups } from './steps/process-groups.js';
import { Services } from './steps/services.js';
import { baseEnvironment } from './steps/step-environment.js';

/** An eighth of the default capacity; also the most that lies on disk beyond it. */
const segmentBytes = 4 * 1024 * 1024;
const defaultSpoolBytes = 64 * 1024 * 1024;

const overCodes = {
  dismissed: exitCodes.dismissed,
  refused: exitCodes.refused,
  protocol: exitCodes.protocol,
  detached: exitCodes.detached,
} as const satisfies Record<SessionOver['kind'], ExitCode>;

const groups = new ProcessGroups();

/** The one way out: nothing that a step started outlives the runner. */
function leave(exitCode: ExitCode, message: string | undefined): never {
  groups.killAll();
  if (message !== undefined) process.stderr.write(`solstice runner: ${message}\n`);
  process.exit(exitCode);
}

function leaveWith(error: unknown): never {
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
  if (error instanceof RunnerExit) leave(error.exitCode, `${error.message}${cause}`);
  leave(exitCodes.internal, error instanceof Error ? (error.stack ?? error.message) : String(error));
}

/** The directory as a runner needs it: there, and without what a runner before us had not sent. */
function prepareSpool(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true });
    if (hasStarted(directory)) {
      throw new RunnerExit(exitCodes.alreadyStarted, 'the start marker is there: this job has been started before');
    }
    for (const name of readdirSync(directory)) {
      if (name.endsWith('.segment')) rmSync(join(directory, name));
    }
  } catch (error) {
    if (error instanceof RunnerExit) throw error;
    throw new RunnerExit(exitCodes.spool, `the spool directory ${directory} cannot be used`, { cause: error });
  }
}

function main(): void {
  const boot = readBoot(process.argv.slice(2));
  const { workDirectory, spoolDirectory } = boot;
  prepareSpool(spoolDirectory);
  const monotonicMs = () => performance.now();
  const spool = new Spool({ directory: spoolDirectory, segmentBytes, capacityBytes: defaultSpoolBytes });
  const writer = new RecordWriter(spool, Date.now, () => session.pump());
  const watchdog = new Watchdog({
    monotonicMs,
    onExpired: () => leave(exitCodes.expired, 'exclusive work, and nobody said in time that it may go on'),
  });
  const services = new Services();
  let job: Job | undefined;

  const runJob = async (assignment: Assignment): Promise<void> => {
    if (assignment.exclusive) {
      watchdog.arm();
      session.watch();
    }
    const spoolBytes = Number(assignment.limits?.spoolBytes ?? 0n);
    if (spoolBytes > 0) spool.limit(spoolBytes);
    const environment = baseEnvironment(process.env, spoolDirectory);
    job = new Job({
      assignment,
      writer,
      spool,
      groups,
      workDirectory,
      spoolDirectory,
      environment,
      checkout: (signal) =>
        checkOut(
          {
            source: assignment.source,
            workDirectory,
            spoolDirectory,
            environment,
            channel: session.sourceChannel,
            say: (line) => writer.system(0, line),
            monotonicMs,
          },
          signal,
        ),
      services,
      markStarted: () => markStarted(spoolDirectory),
      monotonicMs,
    });
    const end = await job.run();
    watchdog.disarm();
    // The end is told only when all that came before it is stored: the tail of a log is never lost.
    await session.drained();
    writer.jobFinished(end);
    await session.drained();
    session.close();
    leave(exitCodes.reported, undefined);
  };

  const session = new Session(
    {
      address: boot.address,
      workerId: boot.workerId,
      token: boot.token,
      spool,
      detachedMs: boot.detachedMs,
      random: Math.random,
      monotonicMs,
    },
    {
      onAssignment: (assignment) => void runJob(assignment).catch(leaveWith),
      onValidUntil: (untilMs) => watchdog.validUntil(untilMs),
      onCancel: (reason, enclosing) => job?.cancel(reason, enclosing),
      onServicesReady: () => services.ready(),
      onServiceFailed: (failure) => services.failed(failure),
      onOver: (over) => leave(overCodes[over.kind], over.detail),
    },
  );
  session.start();
}

/** The runner of one worker, from its boot file to its exit. */
export function startRunner(): void {
  process.on('uncaughtException', leaveWith);
  process.on('unhandledRejection', leaveWith);
  process.on('SIGTERM', () => leave(exitCodes.terminated, 'SIGTERM'));
  // Ctrl-C in the terminal of an orchestrator reaches its whole process group; its workers outlive it.
  process.on('SIGINT', () => undefined);
  process.on('SIGHUP', () => undefined);
  try {
    main();
  } catch (error) {
    leaveWith(error);
  }
}
