import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@solstice/testing';
import Docker from 'dockerode';
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
      const client = installation.client();
      const { id } = await eventually(async () => (await client.runs({ limit: 1 }))[0], { describe: 'the run' });
      const lines = async () => (await log(installation as Installation)).split('\n').slice(0, -1);
      /** It prints until it is told to end: however long a restart takes, it is in the middle. */
      const moreThan = (count: number) =>
        eventually(async () => (await lines()).length > count, {
          describe: () => `more than ${count} lines\n${installation?.solstice.output.slice(-4000)}`,
        });
      await moreThan(20);

      // Twice, so that what was taken over once is taken over again.
      for (let restart = 1; restart <= 2; restart += 1) {
        const had = (await lines()).length;
        await installation.solstice.kill('SIGKILL');
        await installation.start();
        expect(installation.solstice.output).toContain('worker taken over');
        await moreThan(had + 20);
      }

      await tellToEnd(backend, installation.hostId, id);
      try {
        const run = await eventually(
          async () => {
            const detail = await (installation as Installation).client().run(id);
            return detail.endedAt === undefined ? undefined : detail;
          },
          { describe: () => 'the run to end' },
        );
        expect(run.state).toBe('succeeded');
        expect(run.nodes[0]?.attempts.map(({ state }) => state)).toEqual(['succeeded']);
      } finally {
        rmSync(signOf(id), { force: true });
      }
      const printed = await lines();
      const count = printed.length - 1;
      expect(printed).toEqual([...Array.from({ length: count }, (_, index) => `line ${index + 1}`), `${count} lines`]);
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
    });
    expect(await client.runs({ limit: 10 })).toHaveLength(1);
  });
});

/** What the step looks for. */
const signOf = (runId: string) => `/tmp/go-${runId}`;

async function tellToEnd(backend: 'process' | 'container', hostId: string, runId: string): Promise<void> {
  if (backend === 'process') {
    writeFileSync(signOf(runId), '');
    return;
  }
  const docker = new Docker();
  const [worker] = await docker.listContainers({ filters: { label: [`solstice.host=${hostId}`] } });
  if (worker === undefined) throw new Error(`host ${hostId} has no container`);
  const exec = await docker.getContainer(worker.Id).exec({ Cmd: ['sh', '-c', `: > ${signOf(runId)}`] });
  await exec.start({});
}

async function log(installation: Installation): Promise<string> {
  const { stdout } = await ciadm(installation.solstice, 'logs', '1', '--job', 'long', '--step', '1', '--raw');
  return stdout.toString();
}
