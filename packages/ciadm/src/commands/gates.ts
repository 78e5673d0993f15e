import {
  decideCommands,
  describeState,
  type GateAnswer,
  type NodeView,
  RefusedError,
  type RunDetailView,
} from '@solstice/api';
import { SolsticeError } from '@solstice/common/errors';
import { isTerminal } from '@solstice/common/flow';
import type { Command } from 'commander';
import { anotherInput, type Runtime, withExamples } from '../command.js';
import type { Context } from '../context.js';
import { paintState } from '../render/state.js';
import { oneLine } from '../render/text.js';

interface Options {
  by?: string;
  reason?: string;
}

const gateArgument = 'id of the gate; not needed while only one of the run is open';

export function addApprove(program: Command, runtime: Runtime): void {
  withExamples(
    program
      .command('approve')
      .description('let a run past a gate; exit code 5 if the gate is not open, or if you may not')
      .argument('<run>', 'number or id')
      .argument('[gate]', gateArgument)
      .option('--input <name=value>', 'an input of the gate; as often as there are inputs', anotherInput)
      .option('--by <name>', 'who decides, as approvers are called in the workflow; else the user of this shell')
      .option('--reason <text>', 'shown beside the decision'),
    [
      '$ ciadm approve 12',
      '$ ciadm approve 12 release --input replicas=6',
      '$ ciadm approve 12 release --by ada --reason "tried on staging"',
    ],
  ).action(
    runtime.action<Options & { input?: Record<string, string> }>(async (context, [ref = '', gate], options) => {
      const { input: inputs, reason, by = context.actor } = options;
      const client = await context.client();
      const id = gate ?? onlyOpenGate(await client.run(ref)).id;
      await tell(context, id, by, await client.approve(ref, id, { inputs, by, reason }));
      return undefined;
    }),
  );
}

export function addReject(program: Command, runtime: Runtime): void {
  withExamples(
    program
      .command('reject')
      .description('end a gate as failed, and with it what needs it; exit code 5 if it is not open, or if you may not')
      .argument('<run>', 'number or id')
      .argument('[gate]', gateArgument)
      .option('--by <name>', 'who decides, as approvers are called in the workflow; else the user of this shell')
      .option('--reason <text>', 'shown to whoever asks why'),
    ['$ ciadm reject 12', '$ ciadm reject 12 release --reason "not on a Friday"'],
  ).action(
    runtime.action<Options>(async (context, [ref = '', gate], { reason, by = context.actor }) => {
      const client = await context.client();
      const id = gate ?? onlyOpenGate(await client.run(ref)).id;
      await tell(context, id, by, await client.reject(ref, id, { by, reason }));
      return undefined;
    }),
  );
}

/** The gate that is meant when none is named. */
function onlyOpenGate(run: RunDetailView): NodeView {
  const gates = run.nodes.filter((node) => node.gate !== undefined);
  const open = gates.filter((node) => node.gate?.open);
  const [only, ...others] = open;
  if (only !== undefined && others.length === 0) return only;
  if (open.length > 0) {
    const lines = open.map((node) => gateLine(run, node));
    throw new SolsticeError('usage', `Run ${run.number} has ${open.length} open gates:\n${lines.join('\n')}`, {
      hint: 'Say which.',
    });
  }
  if (gates.length === 0) throw new SolsticeError('not-found', `Run ${run.number} has no gates.`);
  const states = gates.map((node) => `${node.id} ${node.waitingFor ?? `is over: ${describeState(node.state)}`}`);
  throw new RefusedError(`Run ${run.number} has no open gate: ${states.join('; ')}.`, run.state);
}

function gateLine(run: RunDetailView, node: NodeView): string {
  const prompt = node.gate?.prompt === undefined ? '' : `  ${oneLine(node.gate.prompt)}`;
  return `${node.id}${prompt}  (${node.gate ? decideCommands(run.number, node.id, node.gate) : ''})`;
}

async function tell(context: Context, id: string, by: string, answer: GateAnswer): Promise<void> {
  const { output } = context;
  if (context.json) {
    await output.json(answer);
    return;
  }
  const { run, repeated } = answer;
  const node = run.nodes.find((each) => each.id === id);
  const state = node === undefined ? '' : paintState(node.state, output.colours);
  const missing = node?.gate?.missing ?? 0;
  const then =
    node !== undefined && isTerminal(node.state)
      ? state
      : `approved by ${by}; it waits for ${missing} more ${missing === 1 ? 'person' : 'people'}`;
  await output.line(`gate ${oneLine(id)} of run ${run.number}: ${then}${repeated ? ' (it had been said before)' : ''}`);
}
