import { type GateSpec, isTerminal } from '@solstice/common/flow';
import type { NodeRecord } from '@solstice/common/store';
import type { GateView } from '../schemas.js';

/** A gate as people decide it: what is asked, who may, what may be said with it, and what has been said so far. */
export function gateView(node: NodeRecord, spec: GateSpec): GateView {
  const decisions = node.decisions ?? [];
  const approved = decisions.filter(({ verdict }) => verdict === 'approve').length;
  return {
    open: node.state === 'running',
    ...(spec.prompt !== undefined && { prompt: spec.prompt }),
    approvers: spec.approvers,
    ...(spec.exclude !== undefined && { exclude: spec.exclude }),
    count: spec.count,
    missing: isTerminal(node.state) ? 0 : Math.max(0, spec.count - approved),
    inputs: spec.inputs,
    decisions: decisions.map(({ by, verdict, inputs, reason, at }) => ({
      by,
      verdict,
      inputs,
      ...(reason !== undefined && { reason }),
      at: new Date(at).toISOString(),
    })),
  };
}

/** The command that approves it, with a place for each input that has to be said. */
export function approveCommand(runNumber: number, gateId: string, gate: Pick<GateView, 'inputs'>): string {
  const inputs = gate.inputs.filter((input) => input.default === undefined).map(({ name }) => ` --input ${name}=…`);
  return `ciadm approve ${runNumber} ${gateId}${inputs.join('')}`;
}

/** `ciadm approve 12 release or ciadm reject 12 release`. */
export function decideCommands(runNumber: number, gateId: string, gate: Pick<GateView, 'inputs'>): string {
  return `${approveCommand(runNumber, gateId, gate)} or ciadm reject ${runNumber} ${gateId}`;
}

/** What an input may be, as it goes on after its name: `int from 2 to 12, 4 if it is not said`. */
export function inputText(input: GateView['inputs'][number]): string {
  const limits =
    input.type === 'int'
      ? [
          [input.min, 'from'],
          [input.max, 'to'],
        ].flatMap(([limit, word]) => (limit === undefined ? [] : [`${word} ${limit}`]))
      : [];
  const options = input.type === 'string' && input.options ? [`one of ${input.options.join(', ')}`] : [];
  const fallback = input.default === undefined ? 'has to be said' : `${input.default} if it is not said`;
  return `${[input.type, ...limits, ...options].join(' ')}, ${fallback}`;
}
