import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { JobSpec } from '../../flow/index.js';
import { exit3, happened, hashOf, job, LEASE_MS, offer, type Scene, spec } from './scene.js';

export function describeClaims(scene: () => Scene): void {
  describe('claims', () => {
    it('give what a worker needs', async () => {
      const host = await scene().host();
      const run = await scene().newRun(spec(job('build', [], { image: 'debian:12' })));
      await scene().planRuns(run);
      const request = host.request();
      const claim = await scene().store.attempts.claim(request);
      const attemptId = `${run.runId}/build/1`;
      expect(claim).toEqual({
        fence: { attemptId, hostId: 'alder', instance: host.instance, epoch: 1 },
        workerId: request.workerId,
        runId: run.runId,
        runNumber: 1,
        nodeId: 'build',
        attemptNumber: 1,
        job: run.spec.nodes[0],
        needs: {},
        pool: offer('default'),
        resources: { cpus: 1, memoryBytes: 1_000_000 },
        source: run.source,
        trigger: run.trigger,
        workflow: 'ci',
        repeated: false,
        started: false,
        queuedAt: expect.any(Date),
        claimedAt: expect.any(Date),
      });
      expect((await scene().run(run.runId)).nodes[0]?.attempts[0]).toMatchObject({
        state: 'claimed',
        hostId: 'alder',
        workerId: request.workerId,
      });
      expect(await scene().store.attempts.workers('alder')).toEqual([
        { id: request.workerId, hostId: 'alder', attemptId, pool: 'default', attemptLive: true, epoch: 1 },
      ]);
      expect(await scene().waitingFor(run.runId, 'build')).toContain('alder');
      expect(await host.tryClaim()).toBeUndefined();
    });

    it('say what conditions of steps may read, and how long steps with a deadline ran before', async () => {
      const { store } = scene();
      const host = await scene().host();
      const steps: JobSpec['steps'] = [
        { name: 'Build', env: {}, when: "changed('src/**')", action: { kind: 'run', script: 'make' } },
        { name: 'Test', env: {}, deadlineMs: 60_000, action: { kind: 'run', script: 'make test' } },
      ];
      const retry = { times: 2, on: ['failed'], backoff: { minMs: 0, maxMs: 0 } };
      const runSpec = {
        ...spec(job('build'), job('test', ['build'], { steps, retry })),
        values: { branch: 'main' },
        changed: { 'src/**': true },
      };
      await scene().planRuns(await scene().newRun(runSpec));
      await host.work();
      const request = host.request();
      const first = (await store.attempts.claim(request)) ?? expect.fail();
      expect(first.conditions).toMatchObject({
        changed: { 'src/**': true },
        context: { branch: 'main', runs_on: 'default', needs: { build: { result: 'succeeded' } } },
      });
      expect(first).not.toHaveProperty('stepMsUsed');
      happened(await store.attempts.start(first.fence));
      const at = (seconds: number) => new Date(1_700_000_000_000 + seconds * 1_000);
      await store.attempts.record(first.fence, [
        { seq: 1, at: at(0), kind: 'step-skipped', step: 0 },
        { seq: 2, at: at(0), kind: 'step-started', step: 1 },
        { seq: 3, at: at(20), kind: 'step-finished', step: 1, result: { state: 'failed', cause: exit3 }, exitCode: 3 },
      ]);
      const [told] = (await scene().run(first.runId)).nodes[1]?.attempts ?? [];
      expect(told?.steps).toMatchObject([
        { state: 'skipped', startedAt: undefined, endedAt: at(0) },
        { state: 'failed' },
      ]);
      await host.finish(first.fence, 'failed');
      await store.attempts.releaseWorker(first.workerId);

      const second = await host.start();
      expect(second.stepMsUsed).toEqual({ 1: 20_000 });
      await store.attempts.record(second.fence, [
        { seq: 1, at: at(30), kind: 'step-started', step: 1 },
        { seq: 2, at: at(45), kind: 'step-finished', step: 1, result: { state: 'failed', cause: exit3 }, exitCode: 3 },
      ]);
      await host.finish(second.fence, 'failed');
      await store.attempts.releaseWorker(second.workerId);
      const third = await host.claim();
      expect(third.stepMsUsed).toEqual({ 1: 35_000 });
      expect(await store.attempts.claimOf(third.workerId)).toMatchObject({ stepMsUsed: { 1: 35_000 } });
    });

    it('name what several nodes came to by the id that they share in the file', async () => {
      const host = await scene().host();
      const after = job('after', ['test.a', 'test.b'], { needsOn: { 'test.a': 'always', 'test.b': 'always' } });
      const bundles = { test: ['test.a', 'test.b'], other: ['test.a', 'elsewhere'] };
      await scene().planRuns(await scene().newRun({ ...spec(job('test.a'), job('test.b'), after), bundles }));
      await host.work('failed');
      const claim = await host.start();
      const outputs = { version: '7' };
      happened(await scene().store.attempts.finish(claim.fence, { state: 'succeeded', outputs }));
      await scene().store.attempts.releaseWorker(claim.workerId);
      expect((await host.claim()).needs).toEqual({
        'test.a': { result: 'failed', reason: expect.any(String), outputs: {} },
        'test.b': { result: 'succeeded', outputs },
        test: { result: 'failed', reason: expect.any(String), outputs },
      });
    });

    it('say the branch and the pull request of the event, where it has one', async () => {
      const host = await scene().host();
      const values = { branch: 'tabs', 'pull_request.number': 7, 'pull_request.base': 'main' };
      const nothing = { branch: '', 'pull_request.number': 0, 'pull_request.base': '' };
      await scene().planRuns(await scene().newRun({ ...spec(job('a')), values }));
      expect(await host.work()).toMatchObject({ branch: 'tabs', pullRequest: { number: 7, base: 'main' } });
      await scene().planRuns(await scene().newRun({ ...spec(job('a')), values: nothing }));
      const claim = await host.work();
      expect([claim.branch, claim.pullRequest]).toEqual([undefined, undefined]);
    });

    it('are the same for the same request id, and for the worker', async () => {
      const host = await scene().host();
      await scene().plan(job('a'));
      await scene().plan(job('a'));
      const request = host.request();
      const first = await scene().store.attempts.claim(request);
      expect(await scene().under.other.attempts.claim(request)).toEqual({ ...first, repeated: true });
      expect(await scene().store.attempts.workers('alder')).toHaveLength(1);
      expect(await scene().store.attempts.claimOf(request.workerId)).toEqual({ ...first, repeated: true });
      await scene().store.attempts.start(first?.fence ?? expect.fail());
      expect(await scene().store.attempts.claimOf(request.workerId)).toMatchObject({ started: true });
      await scene().store.attempts.finish(first?.fence ?? expect.fail(), { state: 'succeeded' });
      expect(await scene().store.attempts.claim(request)).toBeUndefined();
      expect(await scene().store.attempts.claimOf(request.workerId)).toBeUndefined();
      expect(await scene().store.attempts.claimOf(randomUUID())).toBeUndefined();
    });

    it('have one winner of fifty racers', async () => {
      const { store, other } = scene().under;
      const hosts = await Promise.all(
        Array.from({ length: 50 }, (_, index) => scene().host(`host-${index}`, { store: index % 2 ? store : other })),
      );
      await scene().plan(job('a'));
      const claims = await Promise.all(hosts.map((host) => host.tryClaim()));
      expect(claims.filter((claim) => claim !== undefined)).toHaveLength(1);
    });

    it('give every attempt once when all hosts take at once', async () => {
      const { store, other } = scene().under;
      const hosts = await Promise.all(
        Array.from({ length: 4 }, (_, index) => scene().host(`host-${index}`, { store: index % 2 ? store : other })),
      );
      for (let index = 0; index < 10; index += 1) {
        await scene().plan(job('a'), job('b'), job('c'));
      }
      const taken: string[] = [];
      const takeAll = async (host: (typeof hosts)[number]): Promise<void> => {
        for (let claim = await host.tryClaim(); claim !== undefined; claim = await host.tryClaim()) {
          taken.push(claim.fence.attemptId);
        }
      };
      // A round may pass over an attempt that another round holds just then, so they look until all is taken.
      for (let round = 0; round < 20 && taken.length < 30; round += 1) {
        await Promise.all(hosts.map(takeAll));
      }
      expect(taken).toHaveLength(30);
      expect(new Set(taken).size).toBe(30);
    });

    it('take the oldest that fits first', async () => {
      const host = await scene().host('alder', { pools: [offer('small'), offer('large', { cpus: 4 })] });
      const blocked = await scene().host('birch', { pools: [offer('large', { cpus: 4 })], capacity: narrow(2) });
      await scene().plan(job('first', [], { runsOn: 'small' }));
      await scene().plan(job('second', [], { runsOn: 'large' }));
      await scene().plan(job('third', [], { runsOn: 'small' }));
      expect(await blocked.tryClaim()).toBeUndefined();
      expect((await host.claim()).nodeId).toBe('first');
      expect((await host.claim()).nodeId).toBe('second');
      expect((await host.claim()).nodeId).toBe('third');
    });

    it('never give away more than there is', async () => {
      const { store, other } = scene().under;
      const pools = [offer('thirds', { cpus: 0.3, memoryBytes: 10 }), offer('wide', { cpus: 2, memoryBytes: 50 })];
      const capacity = { cpus: 3, memoryBytes: 100, slots: 7 };
      const host = await scene().host('alder', { pools, capacity });
      for (let index = 0; index < 12; index += 1) {
        await scene().plan(job('a', [], { runsOn: index % 3 === 0 ? 'wide' : 'thirds' }));
      }
      const claims = await Promise.all(
        Array.from({ length: 30 }, (_, index) => (index % 2 ? store : other).attempts.claim(host.request())),
      );
      for (;;) {
        const [record] = await store.hosts.list();
        expect(record?.reserved.cpus).toBeLessThanOrEqual(3);
        expect(record?.reserved.memoryBytes).toBeLessThanOrEqual(100);
        expect(record?.reserved.slots).toBeLessThanOrEqual(7);
        const claim = await host.tryClaim();
        if (claim === undefined) {
          break;
        }
        claims.push(claim);
      }
      const taken = claims.filter((claim) => claim !== undefined);
      const [record] = await store.hosts.list();
      expect(record?.reserved.slots).toBe(taken.length);
      expect(record?.reserved.cpus).toBeCloseTo(taken.reduce((sum, claim) => sum + claim.pool.cpus, 0));
      expect(record?.reserved.memoryBytes).toBe(taken.reduce((sum, claim) => sum + claim.pool.memoryBytes, 0));
      expect(taken.length).toBeGreaterThan(3);
    });

    it('keep the room until the worker is released, not only until the end', async () => {
      const host = await scene().host('alder', { capacity: narrow(1) });
      await scene().plan(job('a'));
      await scene().plan(job('b'));
      const claim = await host.start();
      await host.finish(claim.fence);
      expect(await host.tryClaim()).toBeUndefined();
      expect(await scene().store.attempts.workers('alder')).toMatchObject([{ attemptLive: false, epoch: undefined }]);
      await scene().store.attempts.releaseWorker(claim.workerId);
      await scene().store.attempts.releaseWorker(claim.workerId);
      expect(await scene().store.attempts.workers('alder')).toEqual([]);
      expect((await host.claim()).nodeId).toBe('b');
    });

    it('lose an attempt whose worker is released before its end', async () => {
      const host = await scene().host();
      const runId = await scene().plan(job('a'));
      const claim = await host.start();
      await scene().store.attempts.releaseWorker(claim.workerId);
      expect((await scene().run(runId)).nodes[0]?.attempts.map((attempt) => attempt.state)).toEqual(['lost', 'queued']);
      await expect(scene().store.attempts.start(claim.fence)).rejects.toMatchObject({ code: 'fence-lost' });
    });

    it('wait until not-before, with a longer pause each time', async () => {
      const host = await scene().host();
      const runId = await scene().plan(job('a'));
      for (const pauseMs of [1_000, 5_000]) {
        const claim = await host.start();
        await scene().store.attempts.lose(claim.fence, 'its runner died');
        await scene().store.attempts.releaseWorker(claim.workerId);
        const retry = (await scene().run(runId)).nodes[0]?.attempts.at(-1);
        expect((retry?.notBefore ?? 0) - (retry?.queuedAt ?? 0)).toBe(pauseMs);
        expect(await scene().waitingFor(runId, 'a')).toContain('its runner died');
        expect(await host.tryClaim()).toBeUndefined();
        await scene().under.advance(pauseMs);
      }
      await host.work();
      expect(await scene().run(runId)).toMatchObject({ state: 'succeeded' });
    });

    it('avoid the host that refused, while another serves the pool', async () => {
      const alder = await scene().host('alder');
      const birch = await scene().host('birch');
      const runId = await scene().plan(job('a'));
      const claim = await alder.claim();
      await scene().store.attempts.refuse(claim.fence, 'the disk is full', true);
      await scene().store.attempts.releaseWorker(claim.workerId);
      await scene().under.advance(1_000);
      expect(await alder.tryClaim()).toBeUndefined();
      expect((await birch.claim()).fence.attemptId).toBe(`${runId}/a/2`);
    });

    it('come back to the avoided host when there is no other', async () => {
      const alder = await scene().host('alder');
      await scene().host('birch', { pools: [offer('other')] });
      const runId = await scene().plan(job('a'));
      const claim = await alder.claim();
      await scene().store.attempts.refuse(claim.fence, 'the disk is full', true);
      await scene().under.advance(1_000);
      expect((await alder.claim()).fence.attemptId).toBe(`${runId}/a/2`);
    });

    it('come back to the avoided host when the other has died', async () => {
      const alder = await scene().host('alder');
      await scene().host('birch');
      await scene().plan(job('a'));
      const claim = await alder.claim();
      await scene().store.attempts.refuse(claim.fence, 'the disk is full', true);
      await scene().under.advance(LEASE_MS);
      await alder.renew();
      expect((await alder.claim()).attemptNumber).toBe(2);
    });

    it('of * serve only pools that no other live host serves by name', async () => {
      const star = await scene().host('alder', { pools: [offer('default'), offer('*', { cpus: 2 })] });
      const named = await scene().host('birch', { pools: [offer('special')] });
      await scene().plan(job('a', [], { runsOn: 'special' }));
      expect(await star.tryClaim()).toBeUndefined();
      const runId = await scene().plan(job('b', [], { runsOn: 'nobody-has-it' }));
      const claim = await star.claim();
      expect(claim).toMatchObject({ runId, pool: { name: '*', cpus: 2 } });
      await scene().store.hosts.leave(named.id, named.instance);
      expect((await star.claim()).nodeId).toBe('a');
    });

    it('store why nothing fitted, and forget it when something changes', async () => {
      const { store } = scene();
      const runId = await scene().plan(job('a', [], { runsOn: 'illumos' }), job('b'));
      expect(await scene().waitingFor(runId, 'a')).toContain('queued for pool illumos');
      const alder = await scene().host('alder', { capacity: narrow(1) });
      const claim = await alder.start();
      expect(claim.nodeId).toBe('b');
      expect(await alder.tryClaim()).toBeUndefined();
      expect(await scene().waitingFor(runId, 'a')).toContain('no live host serves pool illumos (they serve default)');

      const birch = await scene().host('birch', { pools: [offer('illumos', { cpus: 8 })], capacity: narrow(4) });
      expect(await birch.tryClaim()).toBeUndefined();
      expect(await scene().waitingFor(runId, 'a')).toContain('host birch is too small for it');

      const cedar = await scene().host('cedar', { pools: [offer('illumos')] });
      expect(await alder.tryClaim()).toBeUndefined();
      const waiting = await scene().waitingFor(runId, 'a');
      expect(waiting).toContain('queued for pool illumos');
      expect(waiting).not.toContain('too small');
      await cedar.start();
      expect(await scene().waitingFor(runId, 'a')).toContain('its steps run on cedar since');

      const next = await scene().plan(job('c'));
      expect(await alder.tryClaim()).toBeUndefined();
      expect(await scene().waitingFor(next, 'c')).toContain('host alder has no free slot');
      await store.attempts.releaseWorker(claim.workerId);
    });

    it('are refused to a process that was replaced, and to a host whose lease is over', async () => {
      const host = await scene().host();
      await scene().plan(job('a'));
      await scene().under.advance(LEASE_MS);
      expect(await host.tryClaim()).toBeUndefined();
      await host.renew();
      await scene().host('alder', { instance: 'another' });
      await expect(host.tryClaim()).rejects.toMatchObject({ code: 'host-replaced' });
      const stranger = { ...host.request(), hostId: 'nobody' };
      await expect(scene().store.attempts.claim(stranger)).rejects.toMatchObject({ code: 'host-replaced' });
    });

    it('bind a worker’s token to one session', async () => {
      const { attempts } = scene().store;
      const host = await scene().host();
      await scene().plan(job('a'));
      const claim = await host.claim();
      const token = hashOf(`token of ${claim.workerId}`);
      expect(await attempts.openSession(claim.workerId, hashOf('guess'), hashOf('s1'))).toBe(false);
      const racers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => attempts.openSession(claim.workerId, token, hashOf(`s${index}`))),
      );
      expect(racers.filter(Boolean)).toHaveLength(1);
      const winner = hashOf(`s${racers.indexOf(true)}`);
      expect(await attempts.openSession(claim.workerId, token, winner)).toBe(true);
      expect(await attempts.openSession(claim.workerId, token, hashOf('another'))).toBe(false);
      expect(await attempts.openSession(claim.workerId, hashOf('guess'), winner)).toBe(false);
      expect(await attempts.openSession(randomUUID(), token, winner)).toBe(false);
      await attempts.lose(claim.fence, 'gone');
      expect(await attempts.openSession(claim.workerId, token, winner)).toBe(false);
    });
  });
}

function narrow(slots: number): { cpus: number; memoryBytes: number; slots: number } {
  return { cpus: slots, memoryBytes: 100_000_000, slots };
}
