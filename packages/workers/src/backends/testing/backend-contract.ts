import { randomBytes, randomUUID } from 'node:crypto';
import { SolsticeError } from '@solstice/common/errors';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Backend, Worker, WorkerSpec } from '../backend.js';

/** One backend under test, and the machine around it. */
export interface BackendHarness {
  backend: Backend;
  /** The same host, as its next process would see it. */
  reopen(): Backend;
  spec(overrides: Partial<WorkerSpec>): WorkerSpec;
  /** Resolves when the worker's runner works. */
  started(workerId: string): Promise<void>;
  /** The runner ends by itself, with this exit code. */
  end(workerId: string, exitCode: number): Promise<void>;
  /** What of this worker is on the machine: processes, directories, containers, networks. */
  traces(workerId: string): Promise<string[]>;
  close(): Promise<void>;
}

const never = (): AbortSignal => new AbortController().signal;

/** The promises of `Backend`, on any backend. */
export function describeBackendContract(name: string, make: () => Promise<BackendHarness>): void {
  describe(`backend contract: ${name}`, () => {
    let harness: BackendHarness;
    let used: string[] = [];

    beforeAll(async () => {
      harness = await make();
    });
    afterEach(async () => {
      for (const worker of await harness.backend.list()) await worker.destroy();
      for (const id of used) expect(await harness.traces(id)).toEqual([]);
      used = [];
    });
    afterAll(async () => {
      await harness?.close();
    });

    const newSpec = (): WorkerSpec => {
      const workerId = randomUUID();
      used.push(workerId);
      return harness.spec({ workerId, attemptId: `run/job/${workerId}`, token: randomBytes(32) });
    };
    const provision = async (spec: WorkerSpec): Promise<Worker> => {
      const worker = await harness.backend.provision(spec, never());
      await harness.started(spec.workerId);
      return worker;
    };
    const listed = async (backend: Backend): Promise<string[]> => (await backend.list()).map(({ id }) => id).sort();

    it('has no problems', async () => {
      expect(await harness.backend.problems()).toEqual([]);
    });

    it('makes a worker, lists it, tells every waiter of its exit, and leaves nothing', async () => {
      const spec = newSpec();
      const worker = await provision(spec);
      expect(worker.id).toBe(spec.workerId);
      expect(await listed(harness.backend)).toEqual([spec.workerId]);

      const waiting = [worker.wait(), worker.wait()];
      await harness.end(spec.workerId, 3);
      for (const exit of await Promise.all([...waiting, worker.wait()])) {
        expect(exit).toMatchObject({ kind: 'exited', exitCode: 3, outOfMemory: false });
      }
      expect(await listed(harness.backend)).toEqual([spec.workerId]);

      await worker.destroy();
      expect(await listed(harness.backend)).toEqual([]);
      expect(await harness.traces(spec.workerId)).toEqual([]);
    });

    it('gives the same worker when it is asked again, also at once', async () => {
      const spec = newSpec();
      const signal = never();
      const [one, other] = await Promise.all([
        harness.backend.provision(spec, signal),
        harness.backend.provision(spec, signal),
      ]);
      await harness.started(spec.workerId);
      const before = await harness.traces(spec.workerId);
      const again = await harness.backend.provision(spec, signal);
      expect([one.id, other.id, again.id]).toEqual([spec.workerId, spec.workerId, spec.workerId]);
      expect(await harness.traces(spec.workerId)).toEqual(before);
      expect(await listed(harness.backend)).toEqual([spec.workerId]);
    });

    it('destroys again, at once, and what is not there', async () => {
      const spec = newSpec();
      const worker = await provision(spec);
      await Promise.all([worker.destroy(), worker.destroy()]);
      await worker.destroy();
      expect(await harness.traces(spec.workerId)).toEqual([]);
    });

    it('settles a wait when the worker is destroyed', async () => {
      const spec = newSpec();
      const worker = await provision(spec);
      const waiting = worker.wait();
      await worker.destroy();
      expect((await waiting).kind).toMatch(/^(exited|gone)$/);
    });

    it('makes nothing for an aborted signal', async () => {
      const spec = newSpec();
      const refusal = await harness.backend.provision(spec, AbortSignal.abort()).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(SolsticeError);
      expect(refusal).toMatchObject({ code: 'worker-failed' });
      expect(await harness.traces(spec.workerId)).toEqual([]);
    });

    it('leaves nothing when it is aborted in between', async () => {
      const spec = newSpec();
      const abort = new AbortController();
      const provisioning = harness.backend.provision(spec, abort.signal).catch((error: unknown) => error);
      setImmediate(() => abort.abort());
      expect(await provisioning).toMatchObject({ code: 'worker-failed' });
      expect(await harness.traces(spec.workerId)).toEqual([]);
      expect(await listed(harness.backend)).toEqual([]);
    });

    it('lets a destroy win that overtakes the provision', async () => {
      const spec = newSpec();
      const first = await provision(spec);
      await first.destroy();
      const provisioning = harness.backend.provision(spec, never()).catch((error: unknown) => error);
      await first.destroy();
      expect(await provisioning).toMatchObject({ code: 'worker-failed' });
      expect(await harness.traces(spec.workerId)).toEqual([]);
    });

    it('is taken over by the next process: listed, waited for, destroyed', async () => {
      const spec = newSpec();
      const worker = await provision(spec);
      const next = harness.reopen();
      const [adopted] = await next.list();
      expect(adopted).toMatchObject({ id: spec.workerId, mirrorPath: worker.mirrorPath });
      const again = await next.provision(spec, never());
      expect(again.id).toBe(spec.workerId);

      const waiting = adopted?.wait();
      await harness.end(spec.workerId, 0);
      expect(await waiting).toMatchObject({ kind: 'exited', outOfMemory: false });
      expect(await listed(next)).toEqual([spec.workerId]);
      await adopted?.destroy();
      expect(await harness.traces(spec.workerId)).toEqual([]);
      expect(await adopted?.wait()).toMatchObject({ kind: 'gone' });
    });

    it('makes and destroys different workers side by side', async () => {
      const specs = [newSpec(), newSpec(), newSpec()];
      const workers = await Promise.all(specs.map(provision));
      expect(await listed(harness.backend)).toEqual(specs.map(({ workerId }) => workerId).sort());
      await workers[0]?.destroy();
      expect(await listed(harness.backend)).toEqual(
        specs
          .slice(1)
          .map(({ workerId }) => workerId)
          .sort(),
      );
      await Promise.all(workers.map((worker) => worker.destroy()));
      expect(await listed(harness.backend)).toEqual([]);
    });

    it('refuses an id that is no id', async () => {
      for (const workerId of ['', '../other', 'a b', '-rf', 'x'.repeat(65)]) {
        await expect(harness.backend.provision(harness.spec({ workerId }), never())).rejects.toMatchObject({
          code: 'worker-failed',
        });
      }
    });
  });
}
