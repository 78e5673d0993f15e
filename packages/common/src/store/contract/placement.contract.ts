import { describe, expect, it } from 'vitest';
import type { JobSpec } from '../../flow/index.js';
import type { Claim } from '../port/index.js';
import { KEEP_AFTER_MS } from '../projection/index.js';
import { job, LEASE_MS, offer, type Scene, type TestHost } from './scene.js';

const roomy = (slots: number): TestHost['capacity'] => ({ cpus: slots, memoryBytes: 100_000_000, slots });
const large = (cpus: number, more: Partial<JobSpec> = {}): Partial<JobSpec> => ({ resources: { cpus }, ...more });
const placed = (...hosts: string[]): Partial<JobSpec> => ({ place: { hosts, on: 'infra' } });

export function describePlacement(scene: () => Scene): void {
  /** Time passes, and these hosts live on. */
  const pass = async (ms: number, ...hosts: TestHost[]): Promise<void> => {
    for (let left = ms; left > 0; left -= LEASE_MS / 2) {
      await scene().under.advance(Math.min(left, LEASE_MS / 2));
      for (const host of hosts) {
        await host.renew();
      }
    }
  };
  const release = (claim: Claim): Promise<void> => scene().store.attempts.releaseWorker(claim.workerId);
  const end = async (host: TestHost, claim: Claim): Promise<void> => {
    await scene().store.attempts.start(claim.fence);
    await host.finish(claim.fence);
    await release(claim);
  };

  describe('what a job takes', () => {
    it('is its own where it says so, is reserved, and is said in its claim each time', async () => {
      const pools = [offer('default', { cpus: 2, memoryBytes: 2_000_000 })];
      const host = await scene().host('alder', { pools, capacity: roomy(4) });
      await scene().plan(job('a', [], { resources: { cpus: 0.5 } }));
      await scene().plan(job('b', [], { resources: { memoryBytes: 5_000_000 } }));
      const request = host.request();
      const claim = await scene().store.attempts.claim(request);
      expect(claim).toMatchObject({ resources: { cpus: 0.5, memoryBytes: 2_000_000 }, pool: { cpus: 2 } });
      expect(await scene().store.attempts.claim(request)).toEqual({ ...claim, repeated: true });
      expect(await host.claim()).toMatchObject({ nodeId: 'b', resources: { cpus: 2, memoryBytes: 5_000_000 } });
      expect((await scene().store.hosts.list())[0]?.reserved).toEqual({ cpus: 2.5, memoryBytes: 7_000_000, slots: 2 });
    });

    it('is never more than there is, and one that is too large for all says so', async () => {
      const host = await scene().host('alder', { capacity: roomy(4) });
      const runId = await scene().plan(job('huge', [], large(5)), job('wide', [], large(3)), job('next', [], large(2)));
      expect((await host.claim()).nodeId).toBe('wide');
      expect(await host.tryClaim()).toBeUndefined();
      expect(await scene().waitingFor(runId, 'huge')).toContain('no host could ever take it: host alder is too small');
      expect(await scene().waitingFor(runId, 'next')).toContain('host alder has 1 of 4 cpus free, it takes 2');
    });

    it('hides nothing that fits behind what does not, however much of it waits', async () => {
      const host = await scene().host('alder', { capacity: roomy(2) });
      await scene().host('birch', { capacity: roomy(9) });
      for (let count = 0; count < 25; count += 1) {
        await scene().plan(job('large', [], large(3)), job('elsewhere', [], placed('birch')));
        await scene().plan(job('larger', [], large(4 + count)), job('pool', [], { runsOn: 'illumos' }));
      }
      await scene().plan(job('small'));
      expect((await host.claim()).nodeId).toBe('small');
      expect(await host.tryClaim()).toBeUndefined();
    });
  });

  describe('place', () => {
    it('is the first that is named, which is waited for while it is busy', async () => {
      const alder = await scene().host('alder', { capacity: roomy(1) });
      const birch = await scene().host('birch');
      await scene().plan(job('before', [], placed('alder')));
      const before = await alder.claim();
      const runId = await scene().plan(job('a', [], placed('alder', 'birch')));
      expect(await birch.tryClaim()).toBeUndefined();
      expect(await alder.tryClaim()).toBeUndefined();
      expect(await scene().waitingFor(runId, 'a')).toContain(
        'it may run only on host alder, host birch: host alder has no free slot (1 in use); ' +
          'host birch comes after host alder, which is named before it',
      );
      await end(alder, before);
      expect((await alder.claim()).runId).toBe(runId);
    });

    it('is the next one while the first is drained, and the first again when it is back', async () => {
      const alder = await scene().host('alder');
      const birch = await scene().host('birch');
      await scene().store.hosts.setState('alder', { state: 'cordoned', by: 'mara' });
      await scene().plan(job('a', [], placed('alder', 'birch')));
      expect(await alder.tryClaim()).toBeUndefined();
      expect((await birch.claim()).nodeId).toBe('a');
      await scene().plan(job('b', [], placed('alder', 'birch')));
      await scene().store.hosts.setState('alder', { state: 'active', by: 'mara' });
      expect(await birch.tryClaim()).toBeUndefined();
      expect((await alder.claim()).nodeId).toBe('b');
    });

    it('is the next one when the first has died with it, and then the first again', async () => {
      const alder = await scene().host('alder');
      const birch = await scene().host('birch');
      const runId = await scene().plan(job('a', [], placed('alder', 'birch')));
      await scene().store.attempts.lose((await alder.start()).fence, 'gone');
      await scene().under.advance(1_000);
      expect(await alder.tryClaim()).toBeUndefined();
      await scene().store.attempts.lose((await birch.start()).fence, 'gone');
      await scene().under.advance(5_000);
      expect(await birch.tryClaim()).toBeUndefined();
      expect((await alder.claim()).fence.attemptId).toBe(`${runId}/a/3`);
    });

    it('waits for the named hosts and no other, and says so', async () => {
      const cedar = await scene().host('cedar');
      const runId = await scene().plan(job('a', [], placed('alder')));
      expect(await cedar.tryClaim()).toBeUndefined();
      expect(await scene().waitingFor(runId, 'a')).toContain(
        'it may run only on host alder: host alder is not known here',
      );
      const alder = await scene().host('alder');
      expect((await alder.claim()).nodeId).toBe('a');
    });

    it('is anywhere when none of them can, where the workflow says so', async () => {
      const alder = await scene().host('alder', { capacity: roomy(1) });
      const cedar = await scene().host('cedar');
      const anywhere: Partial<JobSpec> = { place: { hosts: ['alder'], otherwise: 'any', on: 'infra' } };
      await scene().plan(job('a', [], anywhere), job('b', [], anywhere));
      await alder.claim();
      expect(await cedar.tryClaim()).toBeUndefined();
      await pass(LEASE_MS + 1, cedar);
      expect((await cedar.claim()).nodeId).toBe('b');
    });

    it('moves on after a failure only with on="any"', async () => {
      const alder = await scene().host('alder');
      const birch = await scene().host('birch');
      const runId = await scene().plan(job('a', [], { place: { hosts: ['alder', 'birch'], on: 'any' } }));
      const stays = await scene().plan(job('a', [], placed('alder', 'birch')));
      await alder.work('failed');
      await alder.work('failed');
      expect(await scene().run(stays)).toMatchObject({ state: 'failed' });
      expect(await alder.tryClaim()).toBeUndefined();
      await birch.work();
      expect(await scene().run(runId)).toMatchObject({ state: 'succeeded' });
    });
  });

  describe('exclusive', () => {
    it('is not run again when its host is gone, and its run says why', async () => {
      const host = await scene().host();
      const runId = await scene().plan(job('a', [], { exclusive: true }));
      expect((await host.start()).job.exclusive).toBe(true);
      const [seen] = await scene().store.hosts.renewals();
      expect(await scene().store.hosts.reap('alder', seen ?? expect.fail())).toBe(1);
      const run = await scene().run(runId);
      expect(run.state).toBe('failed');
      expect(run.nodes[0]?.attempts).toHaveLength(1);
      expect(run.nodes[0]?.cause).toMatchObject({ kind: 'lost', detail: expect.stringContaining('it is exclusive') });
    });
  });

  describe('hosts’ answers', () => {
    it('are listed by host for what is queued, and only for that', async () => {
      const alder = await scene().host('alder', { capacity: roomy(1) });
      await scene().host('birch', { pools: [offer('illumos')] });
      const runId = await scene().plan(job('a'), job('b', ['a']));
      expect((await scene().run(runId)).nodes[0]?.hostAnswers).toEqual([
        { hostId: 'alder', reason: 'has room for it, and takes it when it looks next' },
        { hostId: 'birch', reason: 'does not serve pool default' },
      ]);
      const claim = await alder.start();
      expect((await scene().run(runId)).nodes.map((node) => node.hostAnswers)).toEqual([undefined, undefined]);
      await scene().store.attempts.lose(claim.fence, 'gone');
      expect((await scene().run(runId)).nodes[0]?.hostAnswers).toBeUndefined();
      await scene().under.advance(1_000);
      const answers = (await scene().run(runId)).nodes[0]?.hostAnswers;
      expect(answers?.[0]).toEqual({ hostId: 'alder', reason: 'has no free slot (1 in use)' });
      expect((await scene().run(runId)).nodes[0]?.hostAnswers).toEqual(answers);
    });
  });

  describe('a large job', () => {
    /** Two hosts with four cpus, full of small jobs; a large one and more small ones wait. */
    const crowd = async () => {
      const hosts = [
        await scene().host('alder', { capacity: roomy(4) }),
        await scene().host('birch', { capacity: roomy(4) }),
      ] as const;
      const running: [TestHost, Claim][] = [];
      await scene().plan(...Array.from({ length: 8 }, (_, index) => job(`first-${index}`)));
      for (const host of [...hosts, ...hosts, ...hosts, ...hosts]) {
        running.push([host, await host.claim()]);
      }
      const runId = await scene().plan(job('large', [], large(4)));
      const small = await scene().plan(...Array.from({ length: 20 }, (_, index) => job(`small-${index}`)));
      /** The oldest of a host's jobs ends. */
      const endOn = async (host: TestHost): Promise<void> => {
        const index = running.findIndex(([one]) => one === host);
        const [found] = running.splice(index, 1);
        await end(...(found ?? expect.fail()));
      };
      return { hosts, running, runId, small, endOn };
    };

    it('has a host kept free for it after a minute, which then takes nothing else', async () => {
      const { hosts, runId, small, endOn } = await crowd();
      const [alder, birch] = hosts;
      await pass(KEEP_AFTER_MS - 1_000, alder, birch);
      await endOn(birch);
      expect((await birch.claim()).nodeId).toBe('small-0');
      expect(await scene().waitingFor(runId, 'large')).not.toContain('kept');
      await pass(1_000, alder, birch);
      await endOn(alder);
      expect(await alder.tryClaim()).toBeUndefined();
      const why = await scene().waitingFor(runId, 'large');
      expect(why).toMatch(
        /host alder has 1 of 4 cpus free, it takes 4, and is kept free for it since \S+Z; host birch/,
      );
      expect(await scene().waitingFor(runId, 'large')).toBe(why);
      expect(await scene().waitingFor(small, 'small-1')).toMatch(
        /host alder keeps what it has free for another job since \S+Z; host birch has no free slot/,
      );
      await endOn(birch);
      expect((await birch.claim()).nodeId).toBe('small-1');
      for (let count = 0; count < 3; count += 1) {
        expect(await alder.tryClaim()).toBeUndefined();
        await endOn(alder);
      }
      const claim = await alder.claim();
      expect(claim).toMatchObject({ runId, nodeId: 'large', resources: { cpus: 4 } });
      await end(alder, claim);
      expect((await alder.claim()).nodeId).toBe('small-2');
      expect(await scene().waitingFor(small, 'small-3')).not.toContain('keeps');
    });

    it('leaves room beside it to others', async () => {
      const host = await scene().host('alder', { capacity: roomy(4) });
      await scene().plan(job('a', [], large(3)));
      const first = await host.claim();
      await scene().plan(job('large', [], large(2)), job('small'), job('next'));
      await pass(KEEP_AFTER_MS, host);
      expect(await host.tryClaim()).toBeUndefined();
      await end(host, first);
      expect((await host.claim()).nodeId).toBe('large');
      expect((await host.claim()).nodeId).toBe('small');
    });

    it('that is cancelled keeps nothing', async () => {
      const { hosts, runId, endOn } = await crowd();
      await pass(KEEP_AFTER_MS, ...hosts);
      await endOn(hosts[0]);
      expect(await hosts[0].tryClaim()).toBeUndefined();
      await scene().store.runs.command(runId, { kind: 'cancel', by: 'mara' });
      expect((await hosts[0].claim()).nodeId).toBe('small-0');
    });

    it('has another host kept when the one is drained, and when it dies', async () => {
      const { hosts, runId, endOn } = await crowd();
      const [alder, birch] = hosts;
      await pass(KEEP_AFTER_MS, alder, birch);
      await endOn(alder);
      expect(await alder.tryClaim()).toBeUndefined();
      await scene().store.hosts.setState('alder', { state: 'draining', by: 'mara' });
      await endOn(birch);
      expect(await birch.tryClaim()).toBeUndefined();
      expect(await scene().waitingFor(runId, 'large')).toMatch(/host birch .* is kept free for it since/);
      await scene().store.hosts.setState('alder', { state: 'active', by: 'mara' });
      // What was kept stays so: alder is free for others again.
      expect((await alder.claim()).nodeId).toBe('small-0');
      await pass(LEASE_MS + 1, alder);
      await endOn(alder);
      expect(await alder.tryClaim()).toBeUndefined();
      expect(await scene().waitingFor(runId, 'large')).toMatch(/host alder .* is kept free for it since/);
    });

    it('is forgotten with the host that is removed', async () => {
      const { hosts, runId, endOn } = await crowd();
      const [alder, birch] = hosts;
      await pass(KEEP_AFTER_MS, alder, birch);
      await endOn(alder);
      expect(await alder.tryClaim()).toBeUndefined();
      await pass(LEASE_MS + 1, birch);
      const seen = (await scene().store.hosts.renewals()).find(({ id }) => id === 'alder') ?? expect.fail();
      await scene().store.hosts.reap('alder', seen);
      await scene().store.hosts.remove('alder');
      await endOn(birch);
      expect(await birch.tryClaim()).toBeUndefined();
      expect(await scene().waitingFor(runId, 'large')).toMatch(/host birch .* is kept free for it since/);
    });

    it('is not starved by two hundred small ones, nor are those by large ones', async () => {
      const hosts = [
        await scene().host('alder', { capacity: roomy(4) }),
        await scene().host('birch', { capacity: roomy(4) }),
      ];
      const names = (kind: string, count: number): JobSpec[] =>
        Array.from({ length: count }, (_, index) => job(`${kind}-${index}`, [], kind === 'large' ? large(4) : {}));
      await scene().plan(...names('before', 12));
      await scene().plan(...names('large', 3));
      await scene().plan(...names('small', 200));
      const order: string[] = [];
      const running: [TestHost, Claim, number][] = [];
      for (let round = 0; order.length < 215; round += 1) {
        expect(round, order.join(' ')).toBeLessThan(400);
        for (const host of hosts) {
          for (let claim = await host.tryClaim(); claim !== undefined; claim = await host.tryClaim()) {
            order.push(claim.nodeId);
            // Jobs take from one to three rounds, so that a host is never empty at once by itself.
            running.push([host, claim, round + 1 + (order.length % 3)]);
          }
        }
        for (const due of running.filter(([, , until]) => until <= round)) {
          running.splice(running.indexOf(due), 1);
          await end(due[0], due[1]);
        }
        await pass(10_000, ...hosts);
      }
      expect(new Set(order).size).toBe(215);
      for (const index of [0, 1, 2]) {
        expect(order.indexOf(`large-${index}`), order.join(' ')).toBeLessThan(120);
      }
    });
  });

  describe('five hundred attempts', () => {
    it('are all taken once by three hosts, each as much as it has room for', async () => {
      const { store, other } = scene().under;
      const sizes = { alder: 2, birch: 4, cedar: 8 };
      const hosts: TestHost[] = [];
      for (const [id, slots] of Object.entries(sizes)) {
        hosts.push(await scene().host(id, { capacity: roomy(slots), store: slots === 4 ? other : store }));
      }
      for (let run = 0; run < 5; run += 1) {
        await scene().plan(...Array.from({ length: 100 }, (_, index) => job(`j${index}`)));
      }
      const taken = new Map(hosts.map((host): [string, string[]] => [host.id, []]));
      const fill = async (host: TestHost): Promise<void> => {
        const held: Claim[] = [];
        for (let claim = await host.tryClaim(); claim !== undefined; claim = await host.tryClaim()) {
          taken.get(host.id)?.push(claim.fence.attemptId);
          held.push(claim);
        }
        expect(held.length).toBeLessThanOrEqual(host.capacity.slots);
        await Promise.all(held.map(release));
      };
      // Released without an end they are lost, and come again a second later, behind all others.
      const firstTries = (): string[] => [...taken.values()].flat().filter((id) => id.endsWith('/1'));
      for (let round = 0; round < 60 && firstTries().length < 500; round += 1) {
        await Promise.all(hosts.map(fill));
      }
      expect(firstTries()).toHaveLength(500);
      expect(new Set([...taken.values()].flat()).size).toBe([...taken.values()].flat().length);
      const [alder, birch, cedar] = hosts.map(({ id }) => taken.get(id)?.length ?? 0);
      expect(cedar).toBeGreaterThan(birch ?? 0);
      expect(birch).toBeGreaterThan(alder ?? 0);
    });
  });
}
