import type { DeliveryView } from '@solstice/api';
import { type Command, Option } from 'commander';
import { type Runtime, wholeNumber, withExamples } from '../command.js';
import { paintState } from '../render/state.js';
import { type Column, renderTable } from '../render/table.js';
import { oneLine } from '../render/text.js';
import { relativeTime } from '../render/time.js';

interface Options {
  state?: DeliveryView['state'];
  limit: number;
}

export function addWebhooks(program: Command, runtime: Runtime): void {
  const webhooks = program.command('webhooks').description('what the forges delivered, and what became of it');

  withExamples(
    webhooks
      .command('list')
      .description('the deliveries, newest first')
      .addOption(new Option('--state <state>', 'only these').choices(['received', 'planned', 'ignored', 'failed']))
      .option('--limit <count>', 'at most so many', wholeNumber(1), 20),
    ['$ ciadm webhooks list', '$ ciadm webhooks list --state failed'],
  ).action(
    runtime.action<Options>(async (context, _args, { state, limit }) => {
      const { output } = context;
      const deliveries = await (await context.client()).deliveries({ state, limit });
      if (context.json) {
        await output.json({ deliveries });
        return undefined;
      }
      if (deliveries.length === 0) {
        output.note('No deliveries.');
        return undefined;
      }
      const now = context.io.clock.now();
      const columns: Column<DeliveryView>[] = [
        { title: 'DELIVERY', value: ({ id }) => id },
        {
          title: 'STATE',
          value: (each) => each.state,
          paint: (text, each) => paintState(each.state, output.colours, text),
        },
        { title: 'FORGE', value: ({ forge }) => forge, shrinkTo: 6 },
        { title: 'EVENT', value: ({ eventName }) => eventName, shrinkTo: 6 },
        { title: 'REPOSITORY', value: (each) => each.repository ?? each.repositoryId, shrinkTo: 8 },
        { title: 'WHEN', value: (each) => relativeTime(each.receivedAt, now) },
        { title: 'RUNS', value: (each) => String(each.runIds.length || ''), align: 'right' },
        { title: 'REASON', value: (each) => each.reason ?? '', shrinkTo: 12 },
      ];
      for (const line of renderTable(columns, deliveries, { width: output.columns, colours: output.colours })) {
        await output.line(line);
      }
      return undefined;
    }),
  );

  withExamples(
    webhooks.command('show').description('one delivery, with its event in our words').argument('<delivery>', 'its id'),
    ['$ ciadm webhooks show 0190a3c2-…'],
  ).action(
    runtime.action(async (context, [id = '']) => {
      const { output } = context;
      const delivery = await (await context.client()).delivery(id);
      if (context.json) {
        await output.json(delivery);
        return undefined;
      }
      const rows: [string, string | undefined][] = [
        ['delivery', delivery.id],
        ['state', delivery.state],
        ['reason', delivery.reason],
        ['forge', `${delivery.forge}, its id ${delivery.forgeDeliveryId}`],
        ['event', delivery.eventName],
        ['repository', delivery.repository ?? delivery.repositoryId],
        ['received', delivery.receivedAt],
        ['tries', delivery.tries > 0 ? String(delivery.tries) : undefined],
        ['next try', delivery.nextTryAt],
        ['runs', delivery.runIds.join(', ') || undefined],
      ];
      for (const [name, text] of rows) {
        if (text !== undefined) await output.line(`${output.colours.dim(name.padEnd(12))}${oneLine(text)}`);
      }
      if (delivery.event) await output.json(delivery.event);
      return undefined;
    }),
  );
}
