import type { SolsticeError } from '@solstice/common/errors';
import { createLogger } from '@solstice/common/telemetry';
import type { Backend, ServiceEvents, Worker, WorkerExit, WorkerSpec } from '../backend.js';
import { bootFile, checkWorkerId } from '../boot-file.js';
import { WorkerLanes } from '../worker-lanes.js';

/** How the fake misbehaves. Each is asked at the moment it matters, so a test can change it under way. */
export interface BackendFaults {
  problems?: () => string[];
  /** Thrown in the middle of provisioning, after something was made. */
  provision?: (spec: WorkerSpec) => SolsticeError | undefined;
  /** Awaited in the middle of provisioning: a slow backend, or one that never comes back. */
  provisioning?: (spec: WorkerSpec) => Promise<void>;
  destroy?: (workerId: string) => Error | undefined;
  list?: () => Error | undefined;
}

/** What stands for the machine: two fakes over one share their workers, as two processes on one host would. */
export class FakeMachine {
  readonly workers = new Map<string, FakeWorker>();
}

export interface FakeWorker {
  spec: WorkerSpec;
  exit: Promise<WorkerExit>;
  end(exit: WorkerExit): void;
  destroyed: boolean;
  /** Whoever watches its services now: a test says through it what becomes of them. */
  services: ServiceEvents | undefined;
}

export interface FakeBackend extends Backend {
  readonly machine: FakeMachine;
  /** Every provision that was asked for, in order. */
  readonly provisioned: WorkerSpec[];
  /** The runner ends by itself. Throws when there is no such worker. */
  end(workerId: string, exit?: WorkerExit): void;
}

export interface FakeBackendSettings {
  kind?: Backend['kind'];
  hostId?: string;
  faults?: BackendFaults;
  machine?: FakeMachine;
  /** Called once the worker is there: a test's own runner can dial in from here. */
  onStart?: (spec: WorkerSpec, worker: FakeWorker) => void;
}

/** A backend without a machine. Throws at once when it is misused: a second worker of an id, a wrong host, a short token. */
export function createFakeBackend(settings: FakeBackendSettings = {}): FakeBackend {
  const { kind = 'process', hostId = 'fake-host', faults = {}, machine = new FakeMachine(), onStart } = settings;
  const lanes = new WorkerLanes(createLogger({ level: 'silent' }));
  const provisioned: WorkerSpec[] = [];

  const remove = async (workerId: string): Promise<void> => {
    const fault = faults.destroy?.(workerId);
    if (fault !== undefined) throw fault;
    const worker = machine.workers.get(workerId);
    if (worker === undefined) return;
    worker.destroyed = true;
    worker.end({ kind: 'exited', exitCode: undefined, signal: 'SIGKILL', outOfMemory: false, lastOutput: '' });
    machine.workers.delete(workerId);
  };

  const handle = (worker: FakeWorker): Worker => ({
    id: worker.spec.workerId,
    mirrorPath: worker.spec.mirrorDirectory,
    wait: async () => (worker.destroyed ? { kind: 'gone' } : await worker.exit),
    watchServices: (_services, events, signal) => {
      worker.services = events;
      signal.addEventListener('abort', () => {
        worker.services = undefined;
      });
    },
    destroy: () => lanes.destroy(worker.spec.workerId, () => remove(worker.spec.workerId)),
  });

  const make = async (spec: WorkerSpec, signal: AbortSignal): Promise<Worker> => {
    const worker = fakeWorker(spec);
    machine.workers.set(spec.workerId, worker);
    if (faults.provisioning !== undefined) await abortable(faults.provisioning(spec), signal);
    const fault = faults.provision?.(spec);
    if (fault !== undefined) throw fault;
    onStart?.(spec, worker);
    return handle(worker);
  };

  return {
    kind,
    machine,
    provisioned,
    problems: async () => faults.problems?.() ?? [],
    provision: async (spec, signal) => {
      check(spec, hostId);
      provisioned.push(spec);
      return await lanes.provision(spec.workerId, signal, {
        find: async () => {
          const worker = machine.workers.get(spec.workerId);
          if (worker !== undefined && worker.spec.attemptId !== spec.attemptId) {
            throw new Error(`misuse: worker ${spec.workerId} is asked for again, for another attempt`);
          }
          return worker === undefined ? undefined : handle(worker);
        },
        make: (either) => make(spec, either),
        undo: async () => {
          machine.workers.delete(spec.workerId);
        },
      });
    },
    list: async () => {
      const fault = faults.list?.();
      if (fault !== undefined) throw fault;
      return [...machine.workers.values()].map(handle);
    },
    end: (workerId, exit) => {
      const worker = machine.workers.get(workerId);
      if (worker === undefined) throw new Error(`misuse: there is no worker ${workerId}`);
      worker.end(exit ?? { kind: 'exited', exitCode: 0, signal: undefined, outOfMemory: false, lastOutput: '' });
    },
  };
}

function fakeWorker(spec: WorkerSpec): FakeWorker {
  let end: (exit: WorkerExit) => void = () => undefined;
  const exit = new Promise<WorkerExit>((resolve) => {
    end = resolve;
  });
  return { spec, exit, end, destroyed: false, services: undefined };
}

function check(spec: WorkerSpec, hostId: string): void {
  checkWorkerId(spec.workerId);
  if (spec.hostId !== hostId) throw new Error(`misuse: a worker of host ${spec.hostId} is asked of ${hostId}`);
  if (spec.token.length !== 32) throw new Error(`misuse: the token has ${spec.token.length} bytes, not 32`);
  if (!(spec.cpus > 0) || !(spec.memoryBytes > 0)) throw new Error('misuse: cpus and memory must be more than 0');
  bootFile(spec, { sessionDirectory: spec.sessionDirectory, workDirectory: '/', spoolDirectory: '/' });
}

async function abortable(work: Promise<void>, signal: AbortSignal): Promise<void> {
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  if (signal.aborted) stop();
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
