import { describe, expect, it } from 'vitest';
import { gate, happened, job, type Scene } from './scene.js';

export function describeGates(scene: () => Scene): void {
  describe('gates', () => {
    const said = (by: string, verdict: 'approve' | 'reject' = 'approve', more: object = {}) => ({
      ...{ kind: 'decide' as const, nodeId: 'release', requestId: `${by} ${verdict}`, verdict, by },
      ...{ teams: ['ops'], inputs: {} as Record<string, string>, ...more },
    });
    const release = () =>
      gate('release', [], {
        ...{ approvers: ['team:ops'], count: 2 },
        inputs: [{ name: 'replicas', type: 'int', default: 4 }],
      });
    const gateOf = async (runId: string) => (await scene().run(runId)).nodes.find(({ id }) => id === 'release');

    it('keep what was said to them while they are open, and hand on what was agreed', async () => {
      const { store } = scene();
      const host = await scene().host();
      const runId = await scene().plan(release(), job('ship', ['release']));
      happened(await store.runs.command(runId, said('ada', 'approve', { inputs: { replicas: '6' }, reason: 'tried' })));
      const first = { by: 'ada', verdict: 'approve', inputs: { replicas: '6' }, reason: 'tried' };
      expect(await gateOf(runId)).toMatchObject({ state: 'running', decisions: [first] });
      expect((await gateOf(runId))?.waitingFor).toContain('1 of 2 approvals');
      expect(await host.tryClaim()).toBeUndefined();

      happened(await store.runs.command(runId, said('bo')));
      expect(await gateOf(runId)).toMatchObject({
        state: 'succeeded',
        outputs: { replicas: '6' },
        decisions: [first, { by: 'bo', inputs: { replicas: '6' } }],
      });
      expect((await host.claim()).needs).toMatchObject({ release: { outputs: { replicas: '6' } } });
    });

    it('count one person once, and a request that comes twice once', async () => {
      const { store } = scene();
      const runId = await scene().plan(release());
      for (const again of [said('ada'), said('ada'), said('ada', 'approve', { requestId: 'another' })]) {
        happened(await store.runs.command(runId, again));
      }
      expect((await gateOf(runId))?.decisions).toHaveLength(1);
      expect((await store.runs.events(runId)).filter(({ kind }) => kind === 'gate.decided')).toHaveLength(1);
    });

    it('refuse what is late with the state, and who may not as forbidden; nothing is written', async () => {
      const { store } = scene();
      const runId = await scene().plan(release());
      const stranger = await store.runs.command(runId, said('eve', 'approve', { teams: [] }));
      expect(stranger).toMatchObject({ refused: true, kind: 'forbidden', state: 'running' });
      happened(await store.runs.command(runId, said('ada', 'reject', { reason: 'not now' })));
      const events = await store.runs.events(runId);
      expect(await gateOf(runId)).toMatchObject({ state: 'failed', cause: { kind: 'rejected', by: 'ada' } });
      expect(await store.runs.command(runId, said('bo'))).toMatchObject({ refused: true, state: 'failed' });
      expect(await store.runs.events(runId)).toEqual(events);
    });

    it('take decisions that come at the same moment one after the other', async () => {
      const { store } = scene();
      const runId = await scene().plan(release());
      const outcomes = await Promise.all(['ada', 'bo', 'cy', 'di'].map((by) => store.runs.command(runId, said(by))));
      expect(outcomes.filter((outcome) => 'refused' in outcome)).toHaveLength(2);
      expect(await gateOf(runId)).toMatchObject({ state: 'succeeded' });
      expect((await gateOf(runId))?.decisions).toHaveLength(2);
    });
  });
}
