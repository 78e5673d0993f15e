import { Worker } from 'node:worker_threads';
import { toError } from '../errors/index.js';
import { atStart } from '../kdl/index.js';
import type { DiagnosticCode } from './diagnostic-codes.js';
import type { ThreadReply, ThreadRequest } from './parse-thread.js';
import type { ParseResult } from './workflow.js';
import { tooManyFiles } from './workflow-files.js';

export interface WorkflowFile {
  file: string;
  text: string;
}

export interface WorkerParseOptions {
  /** For all the files together, from when the thread is up. */
  deadlineMs: number;
}

/** How long a thread may take to start; a machine that is slower than this has other troubles. */
const startDeadlineMs = 30_000;

/**
 * Parses in a thread of its own, so that no file can hold the caller up or eat its memory. One result a file, in order;
 * never rejects for what a file has in it. When the deadline passes, the thread is ended, and each file that has no
 * result yet gets a `parse-deadline` error. Rejects only if no thread can be started at all.
 */
export async function parseWorkflowsInWorker(
  files: readonly WorkflowFile[],
  options: WorkerParseOptions,
): Promise<ParseResult[]> {
  const beyond = tooManyFiles(files.map((one) => one.file));
  const wanted = files.slice(0, files.length - beyond.length);
  const refused = beyond.map((diagnostic) => ({ diagnostics: [diagnostic] }));
  if (wanted.length === 0) return refused;
  const worker = await startThread();
  try {
    return [...(await parseAll(worker, wanted, options.deadlineMs)), ...refused];
  } finally {
    await worker.terminate();
  }
}

async function parseAll(worker: Worker, files: readonly WorkflowFile[], deadlineMs: number): Promise<ParseResult[]> {
  const results: ParseResult[] = [];
  const failure = await new Promise<'done' | 'deadline' | Error>((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const end = (how: 'done' | 'deadline' | Error): void => {
      clearTimeout(timer);
      resolve(how);
    };
    const next = (): void => {
      const file = files[results.length];
      if (file === undefined) end('done');
      else worker.postMessage({ id: results.length, ...file } satisfies ThreadRequest);
    };
    worker.on('message', (reply: ThreadReply) => {
      if (reply.kind === 'parsed') {
        results.push(reply.result);
      } else {
        clearTimeout(timer);
        timer = setTimeout(() => end('deadline'), deadlineMs);
      }
      next();
    });
    timer = setTimeout(() => end(new Error('the thread did not start')), startDeadlineMs);
    // Out of memory, most likely: the thread has a limit, the process goes on.
    worker.on('error', (thrown) => end(toError(thrown)));
    worker.on('exit', (code) => end(new Error(`the thread ended with code ${code}`)));
  });
  if (failure === 'done') return results;
  const culprit = files[results.length]?.file ?? '';
  for (const { file } of files.slice(results.length)) {
    const diagnostic =
      failure === 'deadline'
        ? atStart<DiagnosticCode>(
            file,
            'parse-deadline',
            deadlineMessage(file, culprit, deadlineMs),
            'Make it smaller or simpler.',
          )
        : atStart<DiagnosticCode>(
            file,
            'parse-failed',
            `${culprit} could not be read: ${failure.message}`,
            'Make it smaller or simpler.',
          );
    results.push({ diagnostics: [diagnostic] });
  }
  return results;
}

function deadlineMessage(file: string, culprit: string, deadlineMs: number): string {
  if (file === culprit) return `reading this file took longer than ${deadlineMs} ms`;
  return `not read, because ${culprit} took longer than ${deadlineMs} ms`;
}

async function startThread(): Promise<Worker> {
  const options = {
    name: 'workflow-parser',
    env: {},
    // Not the process's own: --eval, --inspect and the like are no flags for this thread.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 256, stackSizeMb: 4 },
  };
  if (import.meta.url.endsWith('.js')) return new Worker(new URL('./parse-thread.js', import.meta.url), options);
  // In tests the sources run as they are, and a thread of Node 20 cannot read TypeScript.
  const bundler = new URL('./testing/bundle-thread.mjs', import.meta.url).href;
  const { bundleThread } = (await import(/* @vite-ignore */ bundler)) as {
    bundleThread(entry: string): Promise<string>;
  };
  return new Worker(await bundleThread(new URL('./parse-thread.ts', import.meta.url).pathname), {
    ...options,
    eval: true,
  });
}
