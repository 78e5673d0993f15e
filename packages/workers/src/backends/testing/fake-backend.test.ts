import { SolsticeError } from '@solstice/common/errors';
import { describe, expect, it } from 'vitest';
import type { WorkerSpec } from '../backend.js';
import { describeBackendContract } from './backend-contract.js';
import { createFakeBackend, FakeMachine } from './fake-backend.js';

const spec = (overrides: Partial<WorkerSpec> = {}): WorkerSpec => ({
  workerId: 'w1',
  attemptId: 'run/job/1',
  hostId: 'fake-host',
  epoch: 1,
  token: new Uint8Array(32),
  sessionDirectory: '/run/sessions',
  mirrorDirectory: '/mirrors/one.git',
  image: undefined,
  cpus: 1,
  memoryBytes: 1024,
  ...overrides,
});

describeBackendContract('fake', async () => {
  const machine = new FakeMachine();
  const backend = createFakeBackend({ machine, faults: { provisioning: () => new Promise((r) => setTimeout(r, 5)) } });
  return {
    backend,
    reopen: () => createFakeBackend({ machine }),
    spec,
    started: async () => undefined,
    end: async (workerId, exitCode) =>
      backend.end(workerId, { kind: 'exited', exitCode, signal: undefined, outOfMemory: false, lastOutput: '' }),
    traces: async (workerId) => (machine.workers.has(workerId) ? [workerId] : []),
    close: async () => undefined,
  };
});

describe('the fake backend', () => {
  const signal = new AbortController().signal;

  it('fails loudly on misuse', async () => {
    const backend = createFakeBackend();
    await expect(backend.provision(spec({ hostId: 'other' }), signal)).rejects.toThrow('misuse');
    await expect(backend.provision(spec({ token: new Uint8Array(3) }), signal)).rejects.toThrow('misuse');
    await backend.provision(spec(), signal);
    await expect(backend.provision(spec({ attemptId: 'another' }), signal)).rejects.toThrow('another attempt');
    expect(() => backend.end('w2')).toThrow('misuse');
  });

  it('misbehaves as it is told, and leaves nothing of a provision that failed', async () => {
    const failure = new SolsticeError('image-unavailable', 'no such image');
    const backend = createFakeBackend({ faults: { provision: () => failure, problems: () => ['broken'] } });
    await expect(backend.provision(spec(), signal)).rejects.toBe(failure);
    expect(await backend.list()).toEqual([]);
    expect(await backend.problems()).toEqual(['broken']);
  });
});
