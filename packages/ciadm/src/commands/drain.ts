import type { HostDetailView } from '@solstice/api';
import type { Command } from 'commander';
import { duration, type Runtime, withExamples } from '../command.js';
import type { Context } from '../context.js';
import type { ExitCode } from '../exit-codes.js';
import { counted } from '../render/room.js';
import { oneLine } from '../render/text.js';
import { relativeTime } from '../render/time.js';
import { waitUntilIdle } from './wait-until-idle.js';

interface Options {
  reason?: string;
  /** Milliseconds. */
  for?: number;
  wait?: boolean;
}

/** `drain`, `cordon`, `resume`: whether a host takes work. */
export function addDrain(program: Command, runtime: Runtime): void {
  withExamples(
    program
      .command('drain')
      .description('a host takes nothing new; what runs there goes on, for as long as is said')
      .argument('<host>', 'its id')
      .option('--for <time>', 'then what still runs there is handed back, to run elsewhere (30s, 10m, 2h)', duration)
      .option('--reason <text>', 'shown to whoever asks why')
      .option('--wait', 'watch until nothing runs there any more; Ctrl-C ends the watching only'),
    ['$ ciadm drain alder', '$ ciadm drain alder --for 10m --reason "a new disk" --wait && ssh alder reboot'],
  ).action(
    runtime.action<Options>(async (context, [id = ''], { reason, for: forMs, wait }) => {
      const client = await context.client();
      const host = await client.drain(id, { by: context.actor, reason, forMs });
      if (wait !== true) return await tell(context, host, drained(host, context.io.clock.now()));
      if (!context.json) await tell(context, host, drained(host, context.io.clock.now()));
      return await waitUntilIdle(context, client, host);
    }),
  );

  withExamples(
    program
      .command('cordon')
      .description('a host takes nothing new; what runs there goes on')
      .argument('<host>', 'its id')
      .option('--reason <text>', 'shown to whoever asks why'),
    ['$ ciadm cordon alder --reason "its disk is slow"'],
  ).action(
    runtime.action<Options>(async (context, [id = ''], { reason }) => {
      const host = await (await context.client()).cordon(id, { by: context.actor, reason });
      return await tell(context, host, `${oneLine(host.id)} is cordoned: it takes nothing new${goesOn(host)}`);
    }),
  );

  withExamples(
    program
      .command('resume')
      .description('a host that was drained or cordoned takes work again')
      .argument('<host>', 'its id')
      .option('--reason <text>', 'shown to whoever asks why'),
    ['$ ciadm resume alder'],
  ).action(
    runtime.action<Options>(async (context, [id = ''], { reason }) => {
      const host = await (await context.client()).resume(id, { by: context.actor, reason });
      return await tell(context, host, `${oneLine(host.id)} is active: it takes work again`);
    }),
  );
}

async function tell(context: Context, host: HostDetailView, text: string): Promise<ExitCode | undefined> {
  if (context.json) {
    await context.output.json({ host });
    return undefined;
  }
  await context.output.line(text);
  if (!host.alive) context.output.note(`${oneLine(host.id)} does not answer now; it hears of it when it is back.`);
  return undefined;
}

function drained(host: HostDetailView, now: Date): string {
  const until = host.drainUntil;
  const then = until === undefined ? '' : `; what still runs ${relativeTime(until, now)} is handed back`;
  return `${oneLine(host.id)} is draining: it takes nothing new${goesOn(host)}${then}`;
}

function goesOn(host: HostDetailView): string {
  const live = host.workers.filter((worker) => worker.live).length;
  return live === 0 ? ', and nothing runs there' : `; ${counted(live, 'job')} ${live === 1 ? 'goes' : 'go'} on`;
}
