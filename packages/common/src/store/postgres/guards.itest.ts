import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { job, lines, offer, Scene } from '../contract/scene.js';
import { type PostgresUnderTest, postgresUnderTest } from './testing/postgres-under-test.js';

let under: PostgresUnderTest;
let scene: Scene;
beforeEach(async () => {
  under = await postgresUnderTest();
  scene = new Scene(under);
});
afterEach(() => under.close());

describe('the database itself', () => {
  it('refuses every move that is not in flow/states.ts, whoever makes it', async () => {
    const host = await scene.host();
    const runId = await scene.plan(job('a'), job('b', ['a']));
    const illegal: [string, string][] = [
      [`update runs set state = 'succeeded' where id = '${runId}'`, 'run from queued to succeeded'],
      [`update nodes set state = 'running' where id = 'b'`, 'node from waiting to running'],
      [`update attempts set state = 'running'`, 'attempt from queued to running'],
      [`update attempts set state = 'nonsense'`, 'attempt from queued to nonsense'],
    ];
    for (const [text, words] of illegal) await expect(under.query(text)).rejects.toThrow(`illegal move of ${words}`);
    await host.work('failed');
    const terminal: [string, string][] = [
      [`update runs set state = 'running' where id = '${runId}'`, 'run from failed to running'],
      [`update nodes set state = 'succeeded' where id = 'a'`, 'node from failed to succeeded'],
      [`update attempts set state = 'succeeded'`, 'attempt from failed to succeeded'],
    ];
    for (const [text, words] of terminal) await expect(under.query(text)).rejects.toThrow(`illegal move of ${words}`);
  });

  it('refuses a changed event, and a second one with the same number', async () => {
    const runId = await scene.plan(job('a'));
    await expect(under.query(`update run_events set event = '{}'`)).rejects.toThrow('run_events is append-only');
    const again = 'insert into run_events (run_id, seq, event) select run_id, seq, event from run_events';
    await expect(under.query(again)).rejects.toThrow('run_events_pkey');
    expect(await scene.store.runs.events(runId)).not.toEqual([]);
  });

  it('refuses a second live attempt of a node', async () => {
    await scene.plan(job('a'));
    const second = `insert into attempts (id, run_id, node_id, number, state, pool, not_before, avoid_hosts, queued_at)
      select id || 'x', run_id, node_id, 2, 'queued', pool, not_before, avoid_hosts, queued_at from attempts`;
    await expect(under.query(second)).rejects.toThrow('attempts_live');
  });

  it('takes the U+0000 that programs print, in texts and in documents', async () => {
    const { attempts, deliveries } = scene.store;
    const host = await scene.host('alder', { pools: [offer('default')] });
    const run = await scene.plan(job('a', [], { env: { ODD: 'a\0b' } }));
    const claim = await host.start();
    expect(claim.job.env).toEqual({ ODD: 'a\0b' });
    await attempts.record(claim.fence, lines(1, 'x\0y'));
    expect(await scene.logText(claim.fence.attemptId)).toBe('x\0y');
    await attempts.lose(claim.fence, 'it said \0 and died');
    expect((await scene.run(run)).nodes[0]?.attempts[0]?.cause).toEqual({
      kind: 'lost',
      hostId: 'alder',
      detail: 'it said \0 and died',
    });
    const delivery = await scene.deliver();
    await deliveries.settle(delivery.id, 'failed', 'bad \0 file');
    expect((await deliveries.get(delivery.id))?.reason).toBe('bad \uFFFD file');
  });
});

describe('the clock', () => {
  it('is the database’s: a host whose own is wrong by an hour keeps its lease, and finds what is due', async (context) => {
    const store = await under.open({ clock: undefined as never });
    const right = new Scene({ ...under, store, other: store });
    const { vi } = await import('vitest');
    context.onTestFinished(() => void vi.useRealTimers());
    const host = await right.host();
    for (const hours of [-1, 1]) {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + hours * 3_600_000 });
      await host.renew();
      expect((await store.hosts.list())[0]?.alive).toBe(true);
      await right.plan(job('a'));
      expect(await host.tryClaim()).toBeDefined();
      vi.useRealTimers();
      const [row] = await under.query<{ seconds: number }>(
        'select extract(epoch from lease_until - now())::float8 as seconds from hosts',
      );
      expect(row?.seconds).toBeGreaterThan(20);
      expect(row?.seconds).toBeLessThan(31);
    }
  });
});
