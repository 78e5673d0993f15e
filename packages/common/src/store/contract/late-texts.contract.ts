import { describe, expect, it } from 'vitest';
import type { LateText } from '../../flow/index.js';
import { gate, happened, job, type Scene } from './scene.js';

export function describeLateTexts(scene: () => Scene): void {
  describe('texts that read what earlier nodes gave', () => {
    const version = { expression: 'needs.build.outputs.version' };
    const late: LateText[] = [
      { at: { kind: 'image' }, pieces: [{ text: 'app:' }, version] },
      { at: { kind: 'step-env', step: 1, name: 'VERSION' }, pieces: [version, { text: ' ${needs.build.result}' }] },
    ];
    const nodes = () => [
      job('build'),
      job('test', ['build'], { late }),
      gate('release', ['build'], { late: [{ at: { kind: 'prompt' }, pieces: [{ text: 'Ship ' }, version] }] }),
      job('lint', ['build'], { image: 'lint:1' }),
    ];
    const shown = async (runId: string) =>
      (await scene().run(runId)).nodes.map(({ id, image, prompt }) => [id, image ?? prompt]);

    it('are in what a claim says, the same for each attempt, and are shown once they are known', async () => {
      const host = await scene().host();
      const runId = await scene().plan(...nodes());
      const before = [
        ['build', undefined],
        ['test', undefined],
        ['release', undefined],
        ['lint', 'lint:1'],
      ];
      expect(await shown(runId)).toEqual(before);
      const build = await host.start();
      const result = { state: 'succeeded' as const, outputs: { version: '1.2' } };
      happened(await scene().store.attempts.finish(build.fence, result));
      await scene().store.attempts.releaseWorker(build.workerId);
      const known = [
        ['build', undefined],
        ['test', 'app:1.2'],
        ['release', 'Ship 1.2'],
        ['lint', 'lint:1'],
      ];
      expect(await shown(runId)).toEqual(known);

      const resolved = {
        image: 'app:1.2',
        steps: [{ env: {} }, { env: { VERSION: '1.2 ${needs.build.result}' } }],
      };
      const first = await host.start();
      expect(first).toMatchObject({ nodeId: 'test', job: resolved });
      expect(first.job).not.toHaveProperty('late');
      happened(await scene().store.attempts.lose(first.fence, 'gone'));
      await scene().store.attempts.releaseWorker(first.workerId);
      await host.work();
      await scene().under.advance(3_600_000);
      const again = await (await scene().host('birch')).claim();
      expect(again).toMatchObject({ nodeId: 'test', attemptNumber: 2, job: resolved });
      expect(again.job).toEqual(first.job);
      expect(await shown(runId)).toEqual(known);
    });

    it('that come to nothing good fail their node, with nothing to claim', async () => {
      const host = await scene().host();
      const runId = await scene().plan(job('build'), job('test', ['build'], { late: late.slice(0, 1) }));
      const build = await host.start();
      const outputs = { version: 'none at all' };
      happened(await scene().store.attempts.finish(build.fence, { state: 'succeeded', outputs }));
      const detail = expect.stringContaining('"app:none at all", which is not the name of an image');
      expect((await scene().run(runId)).nodes[1]).toMatchObject({ state: 'failed', cause: { kind: 'text', detail } });
      expect(await host.tryClaim()).toBeUndefined();
    });

    it('are read whatever else the events of the run say: a worker may print anything as it dies', async () => {
      const host = await scene().host();
      const runId = await scene().plan(job('build'), job('test', ['build'], { late: late.slice(0, 1) }));
      const build = await host.start();
      const result = { state: 'succeeded' as const, outputs: { version: '1.2', odd: 'NUL \0' } };
      happened(await scene().store.attempts.finish(build.fence, result));
      const test = await host.start();
      happened(await scene().store.attempts.lose(test.fence, 'half of one \ude84'));
      expect((await scene().run(runId)).nodes[1]).toMatchObject({ image: 'app:1.2', state: 'ready' });
    });

    it('are cut between characters: half of one is no text that a database has', async () => {
      const host = await scene().host();
      // Of characters with two halves, one of the two begins at each place.
      const lengths = ['even', 'odd!!'];
      const runId = await scene().plan(
        job('build'),
        ...lengths.flatMap((before) => [
          job(`image-${before.length}`, ['build'], {
            late: [{ at: { kind: 'image' }, pieces: [{ text: before }, version] }],
          }),
          gate(`gate-${before.length}`, ['build'], {
            late: [{ at: { kind: 'prompt' }, pieces: [{ text: before }, version] }],
          }),
        ]),
      );
      const build = await host.start();
      const outputs = { version: '🦄'.repeat(1_000) };
      happened(await scene().store.attempts.finish(build.fence, { state: 'succeeded', outputs }));
      const { nodes: found } = await scene().run(runId);
      const said = found.slice(1).map(({ prompt, cause }) => prompt ?? (cause?.kind === 'text' ? cause.detail : ''));
      expect(said.map((text) => [text.at(-1), !/\p{Surrogate}/u.test(text)])).toEqual(said.map(() => ['…', true]));
      expect(found.slice(1).map(({ state }) => state)).toEqual(['failed', 'running', 'failed', 'running']);
    });
  });
}
