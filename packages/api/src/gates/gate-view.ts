import {
  approvedByTimeout,
  type GateSpec,
  isTerminal,
  standingOf,
  thatCount,
  timeoutText,
} from '@solstice/common/flow';
import type { NodeRecord, RunDetail } from '@solstice/common/store';
import type { GateView } from '../schemas.js';

/** A gate as people decide it: what is asked, who may, what may be said with it, and what has been said so far. */
export function gateView(node: NodeRecord, spec: GateSpec): GateView {
  const { decisions = [] } = node;
  const byTimeout = approvedByTimeout(node, spec);
  return {
    open: node.state === 'running',
    ...(node.prompt !== undefined && { prompt: node.prompt }),
    approvers: spec.approvers,
    ...(spec.exclude !== undefined && { exclude: spec.exclude }),
    count: spec.count,
    missing: isTerminal(node.state) ? 0 : standingOf({ decisions }, spec).missing,
    inputs: spec.inputs,
    ...(byTimeout && { approvedByTimeout: { inputs: byTimeout } }),
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
function approveCommand(runNumber: number, gateId: string, gate: Pick<GateView, 'inputs'>): string {
  const inputs = gate.inputs.filter((input) => input.default === undefined).map(({ name }) => ` --input ${name}=…`);
  return `ciadm approve ${runNumber} ${gateId}${inputs.join('')}`;
}

/** `ciadm approve 12 release or ciadm reject 12 release`. */
export function decideCommands(runNumber: number, gateId: string, gate: Pick<GateView, 'inputs'>): string {
  return `${approveCommand(runNumber, gateId, gate)} or ciadm reject ${runNumber} ${gateId}`;
}

/**
 * What was said to it that counts, as the second half of a sentence: `approved by ada with replicas=6: tried on staging`.
 * Empty: nothing, so far.
 */
export function decisionsText({ decisions, approvedByTimeout: byTimeout }: GateView): string {
  const said = thatCount(decisions).map(({ by, verdict, inputs, reason }) => {
    const values = Object.entries(inputs).map(([name, value]) => `${name}=${value}`);
    const withInputs = values.length === 0 ? '' : ` with ${values.join(', ')}`;
    return `${verdict === 'approve' ? 'approved' : 'rejected'} by ${by}${withInputs}${reason === undefined ? '' : `: ${reason}`}`;
  });
  return [...said, ...(byTimeout ? [timeoutText(byTimeout.inputs)] : [])].join('; ');
}

/** The open gates of a run, each as a line that says what is asked, and the commands that decide it. */
export function openGates(run: RunDetail): string[] {
  const specs = new Map(run.spec.nodes.map((spec) => [spec.id, spec]));
  return run.nodes.flatMap((node) => {
    const spec = specs.get(node.id);
    if (spec?.kind !== 'gate' || node.state !== 'running') return [];
    const prompt = node.prompt === undefined ? '' : ` “${node.prompt}”`;
    return [`gate ${spec.id}${prompt}: ${decideCommands(run.number, spec.id, spec)}`];
  });
}
