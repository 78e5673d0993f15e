import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { workflowLimits } from './limits.js';
import { parseWorkflowsInWorker } from './parse-in-worker.js';
import { parseWorkflow } from './parse-workflow.js';

const run = promisify(execFile);
const good = { file: 'good.kdl', text: 'workflow "w" { on "push"; job a { step run="true"; }; }' };
const bad = { file: 'bad.kdl', text: 'workflow "w" {' };
/** Within the limits, and some hundred milliseconds of work. */
const slow = {
  file: 'slow.kdl',
  text: `workflow "w" { on "push"; job a { ${'step run="true";'.repeat(15_000)} }; }`,
};

describe('parseWorkflowsInWorker', () => {
  it('gives what parseWorkflow gives, in order', async () => {
    const results = await parseWorkflowsInWorker([good, bad, good], { deadlineMs: 20_000 });
    expect(results).toEqual([good, bad, good].map(({ file, text }) => parseWorkflow(text, { file })));
  });

  it('needs no thread for no files', async () => {
    expect(await parseWorkflowsInWorker([], { deadlineMs: 1 })).toEqual([]);
  });

  it('ends a thread that overruns, and says which file it was', async () => {
    // Together they take longer on any machine; which of them is being read by then depends on the machine.
    const files = Array.from({ length: 20 }, (_, index) => ({ ...slow, file: `slow-${index}.kdl` }));
    const results = await parseWorkflowsInWorker(files, { deadlineMs: 200 });
    const said = results.map((result) =>
      result.diagnostics.flatMap(({ code, file, message }) => (code === 'parse-deadline' ? [{ file, message }] : [])),
    );
    const culprit = said.findIndex((diagnostics) => diagnostics.length > 0);
    expect(culprit).toBeGreaterThanOrEqual(0);
    expect(said).toEqual(
      files.map(({ file }, index) => {
        if (index < culprit) return [];
        if (index === culprit) return [{ file, message: 'reading this file took longer than 200 ms' }];
        return [{ file, message: `not read, because slow-${culprit}.kdl took longer than 200 ms` }];
      }),
    );
  });

  it('does not hold the caller up meanwhile', async () => {
    let ticks = 0;
    const ticking = setInterval(() => {
      ticks += 1;
    }, 5);
    await parseWorkflowsInWorker([slow], { deadlineMs: 20_000 });
    clearInterval(ticking);
    expect(ticks).toBeGreaterThan(5);
  });

  it('refuses files beyond the limit unread', async () => {
    const files = Array.from({ length: workflowLimits.filesPerCommit + 2 }, (_, index) => ({
      ...good,
      file: `${index}.kdl`,
    }));
    const results = await parseWorkflowsInWorker(files, { deadlineMs: 20_000 });
    expect(results).toHaveLength(files.length);
    expect(results.map((result) => result.diagnostics[0]?.code).slice(-3)).toEqual([
      undefined,
      'too-many-files',
      'too-many-files',
    ]);
  });
});

describe('the built package', () => {
  const root = fileURLToPath(new URL('../../../../', import.meta.url));
  beforeAll(async () => {
    await run(process.execPath, ['node_modules/typescript/bin/tsc', '-b', 'packages/common'], { cwd: root });
  });

  it('starts its thread too, and leaves nothing that keeps the process', async () => {
    const built = new URL('../../dist/workflow/index.js', import.meta.url).href;
    const script = `
      const { parseWorkflowsInWorker } = await import(${JSON.stringify(built)});
      const results = await parseWorkflowsInWorker(${JSON.stringify([good, bad])}, { deadlineMs: 20000 });
      console.log(JSON.stringify(results));`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], { timeout: 30_000 });
    expect(JSON.parse(stdout)).toEqual([good, bad].map(({ file, text }) => parseWorkflow(text, { file })));
  });
});
