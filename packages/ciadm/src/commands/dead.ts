import type { DeadLetterView, OperatorClient } from '@solstice/api';
import { SolsticeError } from '@solstice/common/errors';
import type { Command } from 'commander';
import { type Runtime, wholeNumber, withExamples } from '../command.js';
import type { Context } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-codes.js';
import { type Column, renderTable } from '../render/table.js';
import { oneLine } from '../render/text.js';
import { relativeTime } from '../render/time.js';

/** As many as the server lists at once. */
const most = 1000;

/** Messages that nobody could read. */
export function addDead(program: Command, runtime: Runtime): void {
  const dead = program.command('dead').description('messages that could not be read: malformed, or of another version');

  withExamples(
    dead
      .command('list')
      .description('the dead letters, newest first')
      .option('--limit <count>', 'at most so many', wholeNumber(1), 20),
    ['$ ciadm dead list'],
  ).action(
    runtime.action<{ limit: number }>(async (context, _args, { limit }) => {
      const { output } = context;
      const { total, letters } = await (await context.client()).deadLetters({ limit });
      if (context.json) {
        await output.json({ total, letters });
        return undefined;
      }
      if (letters.length === 0) {
        output.note('No dead letters.');
        return undefined;
      }
      const now = context.io.clock.now();
      const columns: Column<DeadLetterView>[] = [
        { title: 'LETTER', value: ({ id }) => id, align: 'right' },
        { title: 'WHEN', value: ({ at }) => relativeTime(at, now) },
        { title: 'QUEUE', value: ({ queue }) => queue, shrinkTo: 10 },
        { title: 'BYTES', value: ({ bytes }) => String(bytes), align: 'right' },
        { title: 'REASON', value: ({ reason }) => reason, shrinkTo: 20 },
      ];
      for (const line of renderTable(columns, letters, { width: output.columns, colours: output.colours })) {
        await output.line(line);
      }
      if (total > letters.length) output.note(`${total - letters.length} more; --limit shows them.`);
      return undefined;
    }),
  );

  withExamples(
    dead.command('show').description('one dead letter, with what it says').argument('<letter>', 'its number'),
    ['$ ciadm dead show 7'],
  ).action(
    runtime.action(async (context, [id = '']) => {
      const letter = await (await context.client()).deadLetter(id);
      if (context.json) await context.output.json(letter);
      else await writeLetter(context, letter);
      return undefined;
    }),
  );

  withExamples(
    dead
      .command('replay')
      .description('send them again, now that they can be read; exit code 5 if one still cannot: it stays')
      .argument('[letters...]', 'their numbers')
      .option('--all', 'every one that there is'),
    ['$ ciadm dead replay 7 8', '$ ciadm dead replay --all'],
  ).action(
    runtime.action<{ all?: boolean }>(async (context, ids, { all }) => {
      if ((all === true) === ids.length > 0) {
        throw new SolsticeError('usage', 'Either letters are named, or --all is said.');
      }
      const client = await context.client();
      return await replay(
        context,
        client,
        all ? (await client.deadLetters({ limit: most })).letters.map(({ id }) => id) : ids,
      );
    }),
  );

  withExamples(dead.command('drop').description('forget dead letters').argument('<letters...>', 'their numbers'), [
    '$ ciadm dead drop 7 8',
  ]).action(
    runtime.action(async (context, ids) => {
      const client = await context.client();
      for (const id of ids) {
        await client.removeDeadLetter(id);
        if (!context.json) await context.output.line(`dead letter ${oneLine(id)} is dropped`);
      }
      if (context.json) await context.output.json({ dropped: ids });
      return undefined;
    }),
  );
}

async function replay(context: Context, client: OperatorClient, ids: string[]): Promise<ExitCode | undefined> {
  const { output } = context;
  const replayed: string[] = [];
  const refused: { id: string; reason: string }[] = [];
  for (const id of ids) {
    try {
      await client.replayDeadLetter(id);
      replayed.push(id);
      if (!context.json) await output.line(`dead letter ${oneLine(id)} is sent again`);
    } catch (error) {
      if (!(error instanceof SolsticeError) || error.code !== 'refused') throw error;
      refused.push({ id, reason: error.message });
      if (!context.json) output.note(oneLine(error.message));
    }
  }
  if (context.json) await output.json({ replayed, refused });
  else if (ids.length === 0) output.note('No dead letters.');
  return refused.length === 0 ? undefined : exitCodes.refused;
}

async function writeLetter({ output, io }: Context, letter: DeadLetterView): Promise<void> {
  const rows: [string, string][] = [
    ['letter', letter.id],
    ['reason', letter.reason],
    ['queue', letter.queue],
    ['key', letter.routingKey],
    ['set aside', `${letter.at} (${relativeTime(letter.at, io.clock.now())})`],
    ['bytes', `${letter.bytes}${letter.body?.encoding === 'base64' ? ', no text: base64' : ''}`],
  ];
  for (const [name, text] of rows) await output.line(`${output.colours.dim(name.padEnd(12))}${oneLine(text)}`);
  if (letter.body) await output.line(oneLine(letter.body.text));
}
