import { type FileHandle, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describeState } from '@solstice/api';
import { SolsticeError, toError } from '@solstice/common/errors';
import type { Command } from 'commander';
import { keyOption, type Runtime, withExamples } from '../command.js';
import { oneLine } from '../render/text.js';

/** `run export` and `run import`: the way of a run from one installation to another. */
export function addRunTransfer(run: Command, runtime: Runtime): void {
  withExamples(
    run
      .command('export')
      .description(
        'end a run here, so that it goes on in another installation; it may wait, but no host may have any of it. A second time gives the same again',
      )
      .argument('<run>', 'number or id')
      .option('--out <file>', 'where it is written; only you can read it; else standard output'),
    ['$ ciadm run export 12 --out run-12.json', '$ ciadm run export 12 > run-12.json'],
  ).action(
    runtime.action<{ out?: string }>(async (context, [ref = ''], { out }) => {
      const client = await context.client();
      if (out === undefined) {
        await context.output.json(await client.exportRun(ref, { by: context.actor }));
        return undefined;
      }
      await writeNew(context.path(out), async () => await client.exportRun(ref, { by: context.actor }));
      if (context.json) await context.output.json({ file: out });
      else await context.output.line(`run ${oneLine(ref)} is in ${oneLine(out)}; ciadm run import takes it`);
      return undefined;
    }),
  );
  withExamples(
    run
      .command('import')
      .description('have a run that was exported elsewhere go on here; its repository has to be here')
      .argument('<file>', 'what ciadm run export wrote')
      .addOption(keyOption()),
    ['$ ciadm run import run-12.json'],
  ).action(
    runtime.action<{ key?: string }>(async (context, [file = ''], { key }) => {
      const document = parse(file, await read(context.path(file)));
      const imported = await (await context.client()).importRun(document, { key });
      if (context.json) await context.output.json({ run: imported });
      else await context.output.line(`run ${imported.number} ${describeState(imported.state)}  ${imported.url}`);
      return undefined;
    }),
  );
}

/** The file is there before the run ends, so that it does not end for one that cannot be written. */
async function writeNew(path: string, documentOf: () => Promise<object>): Promise<void> {
  let file: FileHandle;
  try {
    file = await open(path, 'wx', 0o600);
  } catch (error) {
    const { why, hint } = whyUnwritten(path, error);
    throw new SolsticeError('usage', `${path} cannot be written: ${why}. Nothing was done to the run.`, {
      cause: error,
      hint,
    });
  }
  try {
    await file.writeFile(`${JSON.stringify(await documentOf(), null, 2)}\n`);
    await file.close();
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(path, { force: true });
    throw error;
  }
}

function whyUnwritten(path: string, error: unknown): { why: string; hint: string } {
  const folder = dirname(path);
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EEXIST':
      return { why: 'it is there already', hint: 'Name a file that is not there yet.' };
    case 'ENOENT':
      return { why: `there is no folder ${folder}`, hint: 'Make the folder, or name a file in another.' };
    case 'ENOTDIR':
      return { why: `${folder} is no folder`, hint: 'Name a file in a folder.' };
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return { why: `you may not write into ${folder}`, hint: 'Name a file in a folder of yours.' };
    default:
      return { why: reasonOf(error), hint: 'Name another file.' };
  }
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new SolsticeError('usage', `${path} cannot be read (${reasonOf(error)}).`, {
      cause: error,
      hint: 'Name the file that ciadm run export wrote.',
    });
  }
}

function parse(file: string, text: string): object {
  try {
    const document: unknown = JSON.parse(text);
    if (typeof document === 'object' && document !== null) return document;
  } catch {
    // Said below, for both.
  }
  throw new SolsticeError('usage', `${file} is no run that ciadm run export wrote.`, {
    hint: 'Was it cut off on its way? ciadm run export gives the same again.',
  });
}

function reasonOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? toError(error).message;
}
