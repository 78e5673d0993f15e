import { join } from 'node:path';
import { type Step, StepKind } from '@solstice/common/rpc';
import { createLogger } from '@solstice/common/telemetry';
import { buildRunner } from '@solstice/runner/build';
import { runnerBundlePath } from '@solstice/runner/bundle';
import { dockerForTests, makeTestImages, type TestImages } from '@solstice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectDocker, createContainerBackend, createRunnerMount } from '../backends/index.js';
import { assignmentOf, RecordingHandler } from './testing/recording-handler.js';
import { Bench } from './testing/runner-process.js';

const engine = await dockerForTests();

describe.skipIf('missing' in engine)('the real runner in a container', () => {
  const dockerHost = 'missing' in engine ? '' : engine.dockerHost;
  let images: TestImages;

  beforeAll(async () => {
    await buildRunner();
    images = await makeTestImages(dockerHost, { tag: `sessions-${process.pid}` });
  });
  afterAll(async () => {
    await images?.remove();
    if (!('missing' in engine)) await engine.stop();
  });

  const last = (script: string): Partial<Step> => ({
    action: { $case: 'run', value: script },
    kind: StepKind.STEP_KIND_FINALLY,
  });

  // No Node.js, no library, and once another user than root.
  it.each(['busybox', 'nonRoot'] as const)('gives the steps its program: %s', async (name) => {
    const preloaded: Partial<Step> = {
      env: { NODE_OPTIONS: '--require=/no/such/module', LD_LIBRARY_PATH: '/no/such/directory' },
      action: { $case: 'run', value: `solstice output a=1 'b=two words'; echo file > v; id -u` },
    };
    const handler = new RecordingHandler(
      assignmentOf([preloaded, 'solstice fail "no disk left"', last('solstice output c=3; echo "$CI_ERROR_KIND"')], {
        outputs: [{ name: 'v', path: 'v' }],
      }),
    );
    await using bench = await Bench.make(handler);
    const backend = createContainerBackend({
      docker: connectDocker(dockerHost),
      hostId: `alder-${process.pid}`,
      runnerMount: createRunnerMount({
        directory: join(bench.directory.path, 'runner'),
        runnerBundle: runnerBundlePath,
      }),
      logger: createLogger({ level: 'silent' }),
    });
    const spec = {
      workerId: handler.workerId,
      attemptId: 'run/job/1',
      hostId: `alder-${process.pid}`,
      epoch: 1,
      token: handler.token,
      sessionDirectory: bench.sessionDirectory,
      mirrorDirectory: undefined,
      image: images[name],
      cpus: 1,
      memoryBytes: 512 * 1024 * 1024,
    };
    const worker = await backend.provision(spec, new AbortController().signal);
    try {
      expect(await worker.wait()).toMatchObject({ kind: 'exited', exitCode: 0 });
      expect(handler.output(0).toString()).toBe(name === 'nonRoot' ? '1000\n' : '0\n');
      expect(handler.output(2).toString()).toBe('user\n');
      expect(handler.result).toEqual({
        state: 'failed',
        cause: { kind: 'user', reason: 'no disk left' },
        outputs: { a: '1', b: 'two words', c: '3' },
        final: true,
      });
    } finally {
      await worker.destroy();
    }
  });
});
