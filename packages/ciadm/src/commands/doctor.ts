import type { DoctorItem } from '@solstice/api';
import { SolsticeError } from '@solstice/common/errors';
import type { Command } from 'commander';
import { type Runtime, withExamples } from '../command.js';
import type { Context } from '../context.js';
import { localChecks } from '../doctor/local-checks.js';
import { exitCodes } from '../exit-codes.js';
import { paintState } from '../render/state.js';
import { oneLine } from '../render/text.js';

export function addDoctor(program: Command, runtime: Runtime): void {
  withExamples(
    program
      .command('doctor')
      .description('what is missing or wrong, here and in the server; works also when no server runs'),
    ['$ ciadm doctor', '$ ciadm doctor --json | jq \'.items[] | select(.state == "fail")\''],
  ).action(
    runtime.action(async (context) => {
      const { output } = context;
      const [local, server] = [await localChecks(context), await serverChecks(context)];
      const items = [
        ...local.map((item) => ({ where: 'here', ...item })),
        ...server.map((item) => ({ where: 'server', ...item })),
      ];
      if (context.json) {
        await output.json({ items });
      } else {
        for (const { where, name, state, detail, hint } of items) {
          const verdict = paintState(state, output.colours, state.padEnd(5));
          await output.line(`${verdict} ${output.colours.dim(where.padEnd(7))} ${oneLine(name)}: ${oneLine(detail)}`);
          if (hint !== undefined && state !== 'ok') await output.line(`              ${oneLine(hint)}`);
        }
      }
      return items.some(({ state }) => state === 'fail') ? exitCodes.failed : undefined;
    }),
  );
}

async function serverChecks(context: Context): Promise<DoctorItem[]> {
  const name = 'operator API';
  try {
    const client = await context.client();
    const items = await client.doctor();
    const { version } = await client.status();
    return [{ name, state: 'ok', detail: `answers, version ${version}` }, ...items];
  } catch (error) {
    if (!(error instanceof SolsticeError)) throw error;
    // That none runs is no fault; that one runs and refuses is.
    const state = error.code === 'api-unreachable' ? 'warn' : 'fail';
    return [{ name, state, detail: error.message, hint: error.hint }];
  }
}
