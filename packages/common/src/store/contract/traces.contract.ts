import { describe, expect, it } from 'vitest';
import { job, type Scene, spec } from './scene.js';

const traceOf = (digit: string) => ({ traceparent: `00-${digit.repeat(32)}-${digit.repeat(16)}-01` });
const webhook = { ...traceOf('a'), tracestate: 'vendor=1' };
const plan = traceOf('b');

export function describeTraces(scene: () => Scene): void {
  describe('traces', () => {
    it('go from a delivery to its message, and stay with it', async () => {
      const { deliveries, outbox } = scene().store;
      const { id } = await scene().deliver({ trace: webhook });
      expect((await deliveries.get(id))?.trace).toEqual(webhook);
      expect((await deliveries.due(10)).map(({ trace }) => trace)).toEqual([webhook]);
      expect(await outbox.peek(10)).toMatchObject([{ message: { kind: 'delivery' }, trace: webhook }]);
    });

    it('go from a run to all its messages, claims and its check, also later ones', async () => {
      const { attempts, checks, outbox } = scene().store;
      const run = await scene().newRun(spec(job('a'), job('b', ['a'])), { trace: plan });
      await scene().planRuns(run);
      const waiting = async () => (await outbox.peek(100)).map(({ message, trace }) => [message.kind, trace]);
      expect((await waiting()).sort()).toEqual([
        ['job', plan],
        ['report', plan],
      ]);
      await scene().drainOutbox();
      const host = await scene().host();
      const claim = await host.start();
      expect(claim.trace).toEqual(plan);
      expect((await attempts.claimOf(claim.workerId))?.trace).toEqual(plan);
      await attempts.lose(claim.fence, 'gone');
      await scene().under.advance(1_000);
      await scene().store.timers.fire(10);
      expect(await waiting()).toContainEqual(['job', plan]);
      expect((await checks.lease({ limit: 10, leaseMs: 1_000 })).map(({ trace }) => trace)).toEqual([plan]);
    });

    it('go from what could not be planned to its check', async () => {
      const { checks, outbox, runs } = scene().store;
      const source = await scene().source();
      const failed = { source, context: 'solstice/broken', title: 'Broken', diagnostics: [], trace: plan };
      const outcome = { state: 'failed' as const, reason: 'broken' };
      await runs.plan({ deliveryId: undefined, runs: [], failedChecks: [failed], outcome });
      expect(await outbox.peek(10)).toMatchObject([{ message: { kind: 'report' }, trace: plan }]);
      expect(await checks.list({ limit: 10 })).toMatchObject([{ trace: plan }]);
    });

    it('are absent where nobody traces', async () => {
      const delivery = await scene().deliver();
      await scene().plan(job('a'));
      const host = await scene().host();
      const claim = await host.start();
      const posts = await scene().store.outbox.peek(10);
      const checks = await scene().store.checks.list({ limit: 10 });
      for (const one of [delivery, claim, ...posts, ...checks]) expect('trace' in one).toBe(false);
    });

    it('leave the instants of a claim to the store', async () => {
      await scene().plan(job('a'));
      const host = await scene().host();
      await scene().under.advance(7_000);
      const claim = await host.start();
      expect(claim.claimedAt.getTime() - claim.queuedAt.getTime()).toBeGreaterThanOrEqual(7_000);
      const again = await scene().store.attempts.claimOf(claim.workerId);
      expect(again).toMatchObject({ queuedAt: claim.queuedAt, claimedAt: claim.claimedAt });
    });
  });
}
