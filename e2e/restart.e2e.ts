import { join } from 'node:path';
import { eventually } from '@solstice/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { Installation } from './harness/installation.js';
import { ciadm } from './harness/solstice-process.js';

const tree = new URL('restart/', import.meta.url).pathname;

describe.each(['process', 'container'] as const)('kill -9 of solstice up on the %s backend', (backend) => {
  const dockerMissing = backend === 'container' && process.env.SOLSTICE_TEST_DOCKER === 'missing';
  let installation: Installation | undefined;

  afterEach(async () => {
    await installation?.remove();
    installation = undefined;
  });

  test.skipIf(dockerMissing)(
    'in the middle of a step: the same attempt goes on, the log is whole, the database is picked up again',
    async () => {
      installation = await Installation.create({ backend });
      const repository = await installation.addRepository('long');
      await repository.push({ branch: 'main', tree: 'repo', force: false }, join(tree, 'repo'));
      const printed = () => log(installation as Installation);
      await eventually(async () => ((await printed()).includes('line 20\n') ? true : undefined), {
        describe: () => 'the step to print',
        timeoutMs: 60_000,
      });

      // Twice, so that what was taken over once is taken over again.
      for (const line of ['line 60\n', 'line 100\n']) {
        await installation.solstice.kill('SIGKILL');
        await installation.start();
        expect(installation.solstice.output).toContain('worker taken over');
        await eventually(async () => ((await printed()).includes(line) ? true : undefined), {
          describe: () => `${line.trim()} after the restart`,
          timeoutMs: 60_000,
        });
      }

      const client = installation.client();
      const run = await eventually(
        async () => {
          const detail = await client.run('1');
          return detail.endedAt === undefined ? undefined : detail;
        },
        { describe: () => 'the run to end', timeoutMs: 60_000 },
      );
      expect(run.state).toBe('succeeded');
      expect(run.nodes[0]?.attempts.map(({ state }) => state)).toEqual(['succeeded']);
      const lines = Array.from({ length: 200 }, (_, index) => `line ${index + 1}\n`).join('');
      expect(await printed()).toBe(lines);
    },
  );

  test.skipIf(dockerMissing)('with a run waiting: it starts after the restart', async () => {
    installation = await Installation.create({ backend });
    const repository = await installation.addRepository('quick');
    await repository.push({ branch: 'main', tree: 'repo', force: false }, join(tree, 'quick'));
    // The push came back, so its webhook was acknowledged: from here on nothing may be lost.
    await installation.solstice.kill('SIGKILL');
    await installation.start();
    const client = installation.client();
    await eventually(async () => ((await client.runs({ limit: 10 }))[0]?.state === 'succeeded' ? true : undefined), {
      describe: () => 'the run to succeed',
      timeoutMs: 60_000,
    });
    expect(await client.runs({ limit: 10 })).toHaveLength(1);
  });
});

async function log(installation: Installation): Promise<string> {
  const { stdout } = await ciadm(installation.solstice, 'logs', '1', '--job', 'long', '--step', '1', '--raw');
  return stdout.toString();
}
