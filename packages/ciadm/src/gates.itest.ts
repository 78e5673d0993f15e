import type { GateSpec } from '@solstice/common/flow';
import { eventually } from '@solstice/testing';
import { describe, expect, test } from 'vitest';
import { Recorder } from './testing/recorder.js';
import { served } from './testing/served.js';

const gate = (id: string, more: Partial<GateSpec> = {}): GateSpec => {
  return { kind: 'gate', id, name: id, needs: [], approvers: [], count: 1, inputs: [], ...more };
};
const replicas: GateSpec['inputs'] = [{ name: 'replicas', type: 'int', default: 4, max: 12 }];
const teams = [{ name: 'release', members: ['ada', 'grace'] }];

async function withGates(...nodes: GateSpec[]) {
  const here = await served({ operator: { teams } });
  await here.world.plan({ jobs: {}, nodes });
  return here;
}

describe('approve and reject', () => {
  test('the only open gate needs no name; who decides is the user of the shell, or --by', async () => {
    const { call } = await withGates(
      gate('release', { approvers: ['team:release'], count: 2, inputs: replicas }),
      gate('later', { needs: ['release'] }),
    );
    const env = { USER: 'ada' };
    const first = await call(['approve', '1', '--input', 'replicas=6', '--reason', 'tried'], { env });
    expect(first).toMatchObject({
      code: 0,
      stdout: 'gate release of run 1: approved by ada; it waits for 1 more person\n',
    });
    const again = await call(['approve', '1', 'release', '--input', 'replicas=6'], { env });
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('(it had been said before)\n') });
    const second = await call(['approve', '1', 'release', '--by', 'grace', '--json'], { env });
    expect(JSON.parse(second.stdout)).toMatchObject({ repeated: false, run: { nodes: [{ state: 'succeeded' }, {}] } });
    expect(await call(['reject', '1', '--reason', 'too late'], { env })).toMatchObject({
      code: 0,
      stdout: 'gate later of run 1: failed\n',
    });
    expect((await call(['why', '1'])).stdout).toContain('rejected by ada: too late');
  });

  test('several open gates: they are listed, with what decides each', async () => {
    const { call } = await withGates(gate('eu', { prompt: 'Ship to Europe?' }), gate('us'));
    const { code, stderr } = await call(['approve', '1']);
    expect(code).toBe(2);
    expect(stderr).toContain('Run 1 has 2 open gates:');
    expect(stderr).toContain('eu Ship to Europe? (ciadm approve 1 eu or ciadm reject 1 eu)');
    expect(stderr).toContain('us (ciadm approve 1 us or ciadm reject 1 us)');
  });

  test('none is open: 5, with what each waits for or how it ended; none there: 3', async () => {
    const { call, world } = await withGates(gate('first'));
    await call(['reject', '1']);
    expect(await call(['approve', '1'])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('Run 1 has no open gate: first is over: failed.'),
    });
    await world.plan({ jobs: { build: [] }, nodes: [gate('release', { needs: ['build'] })] });
    expect(await call(['reject', '2'])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('release needs build'),
    });
    await world.plan();
    expect(await call(['approve', '3'])).toMatchObject({ code: 3, stderr: expect.stringContaining('has no gates') });
    expect(await call(['approve', '3', 'release'])).toMatchObject({ code: 3 });
    expect(await call(['approve', '4'])).toMatchObject({ code: 3 });
  });

  test('who may not: 5; what cannot be meant: 2, with what would be right', async () => {
    const { call } = await withGates(gate('release', { approvers: ['team:release'], inputs: replicas }));
    expect(await call(['approve', '1', '--by', 'mallory'])).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(/mallory may not decide gate release: team:release may.*\[forbidden\]/),
    });
    expect(await call(['approve', '1', '--by', 'ada', '--input', 'replicas=40'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('replicas (a whole number to 12; 4 if left out)'),
    });
    expect(await call(['approve', '1', '--input', 'replicas'])).toMatchObject({ code: 2 });
    expect(await call(['reject', '1', '--input', 'replicas=3'])).toMatchObject({ code: 2 });
  });
});

test('watch says when a wait begins, what a gate asks and who decided', async () => {
  const { call, world } = await served();
  await world.plan({
    jobs: {},
    nodes: [
      { kind: 'wait', id: 'soak', name: 'soak', needs: [], forMs: 86_400_000 },
      gate('release', { prompt: 'Ship?', count: 2, inputs: replicas }),
    ],
  });
  const stdout = new Recorder();
  const stop = new AbortController();
  const watching = call(['watch', '1'], { stdout, interrupted: stop.signal });
  const says = (text: RegExp) => eventually(async () => expect(stdout.bytes.toString()).toMatch(text));
  await says(/● soak waits until \d{4}-/);
  await says(/● release “Ship\?” waits for 2 of 2 approvals.*ciadm approve 1 release or ciadm reject 1 release/);
  await call(['approve', '1', '--by', 'ada', '--input', 'replicas=6']);
  await says(/● release “Ship\?” waits for 1 of 2 approvals.*approved by ada/);
  await call(['approve', '1', '--by', 'grace']);
  await says(/✓ release approved by ada with replicas=6; approved by grace with replicas=6/);
  await call(['cancel', '1', '--reason', 'enough']);
  expect(await watching).toMatchObject({ code: 1 });
  expect(stdout.bytes.toString()).toMatch(/✗ soak cancelled: cancelled by .*: enough/);
});
