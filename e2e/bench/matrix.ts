import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOperatorClient, type OperatorClient } from '@solstice/api';
import { eventually } from '@solstice/testing';
import { TestRepository } from '../harness/repository.js';
import { ciadm, SolsticeProcess } from '../harness/solstice-process.js';

// `pnpm bench -- matrix`: what a job costs beside what it does, in a matrix of 10 cells and in one of 1,000, on a real
// `solstice up` whose workers are processes. Two at a time in both, so that no last wave is half empty.

const SLOTS = 2;
const SMALL_ROUNDS = 5;

function matrixOf(cells: 10 | 1_000): string {
  const digits = '"0" "1" "2" "3" "4" "5" "6" "7" "8" "9"';
  const axes = cells === 10 ? ['a'] : ['a', 'b', 'c'];
  return `workflow "cells" {
    on "push"
    job "cell" {
        matrix { ${axes.map((name) => `axis "${name}" ${digits};`).join(' ')} }
        step run="true"
    }
}`;
}

/** Milliseconds a cell: of the whole run, and the median from a cell's claim to its end. */
async function play(
  client: OperatorClient,
  repository: TestRepository,
  cells: 10 | 1_000,
): Promise<{ whole: number; median: number }> {
  const tree = mkdtempSync(join(tmpdir(), 'solstice-tree-'));
  mkdirSync(join(tree, '.solstice'));
  writeFileSync(join(tree, '.solstice', 'workflow.kdl'), matrixOf(cells));
  const { commit } = await repository.push({ branch: 'main', tree: '', force: false }, tree);
  rmSync(tree, { recursive: true });
  const ended = await eventually(
    async () => {
      const run = (await client.runs({ limit: 1 }))[0];
      return run?.source.commit === commit && run.endedAt !== undefined ? run : undefined;
    },
    { describe: () => `the run of ${cells} cells to end`, timeoutMs: 1_800_000, intervalMs: 250 },
  );
  const run = await client.run(ended.id);
  if (run.state !== 'succeeded') throw new Error(`run ${run.number} ${run.state}: ${run.causeText}`);
  const attempts = run.nodes.flatMap((node) => node.attempts);
  const each = attempts.map((one) => Date.parse(one.endedAt ?? '') - Date.parse(one.claimedAt ?? ''));
  const begin = Math.min(...attempts.map(({ claimedAt }) => Date.parse(claimedAt ?? '')));
  const end = Math.max(...attempts.map(({ endedAt }) => Date.parse(endedAt ?? '')));
  return { whole: (end - begin) / cells, median: median(each) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

const row = (...texts: string[]): void => console.log(texts.map((text) => text.padStart(24)).join(''));

const directory = mkdtempSync(join(tmpdir(), 'solstice-bench-'));
// The embedded database runs as another user where this is root, and has to get through.
chmodSync(directory, 0o711);
const dataDirectory = join(directory, 'data');
const settingsFile = join(directory, 'solstice.kdl');
writeFileSync(
  settingsFile,
  `data_dir ${JSON.stringify(dataDirectory)}
listen "127.0.0.1:0"
operator_listen "127.0.0.1:0"
host id="bench" backend="process" slots=${SLOTS} cpus=${SLOTS} memory="8GiB"
forge "local" kind="git"
`,
);
let solstice: SolsticeProcess | undefined;
try {
  solstice = await SolsticeProcess.start({ dataDirectory, settingsFile, args: ['--dev'] });
  const repository = await TestRepository.create(directory);
  const options = ['--forge', 'local', '--path', repository.bare, '--generate-secret', '--install-hook'];
  const added = await ciadm(solstice, 'repo', 'add', 'cells', ...options);
  if (added.exitCode !== 0) throw new Error(added.stderr);
  const client = createOperatorClient({ url: solstice.addresses.operator, token: solstice.operatorToken });
  await play(client, repository, 10); // The first start of everything.
  const small: Awaited<ReturnType<typeof play>>[] = [];
  // Around the large one, so that a slow hour hits both.
  for (let round = 0; round < SMALL_ROUNDS; round += 1) small.push(await play(client, repository, 10));
  const large = await play(client, repository, 1_000);
  for (let round = 0; round < SMALL_ROUNDS; round += 1) small.push(await play(client, repository, 10));
  const base = { whole: median(small.map(({ whole }) => whole)), median: median(small.map((one) => one.median)) };
  console.log(`\nA matrix of \`true\` on the process backend, ${SLOTS} at a time: milliseconds a job\n`);
  row('', '10 cells (median of 10)', '1,000 cells', 'ratio');
  row('the run, over its jobs', base.whole.toFixed(0), large.whole.toFixed(0), (large.whole / base.whole).toFixed(2));
  row(
    'claim to end (median)',
    base.median.toFixed(0),
    large.median.toFixed(0),
    (large.median / base.median).toFixed(2),
  );
} finally {
  await solstice?.kill('SIGTERM');
  rmSync(directory, { recursive: true, force: true });
}
