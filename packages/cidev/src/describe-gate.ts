import { describeInput, type Gate } from '@solstice/common/workflow';
import { describeDuration } from './describe-duration.js';
import { describeClock, describeMatrix, describeNeeds, describePlaced } from './describe-node.js';
import { plain } from './plain.js';

/** What a gate asks, whom, and for how long. */
export function describeGate(gate: Gate): string[] {
  const who = gate.approvers.length === 0 ? 'whoever may operate' : plain(gate.approvers.join(', '));
  const count = gate.count === 1 ? 'one of' : `${gate.count} of`;
  const exclude = gate.exclude === undefined ? '' : ', not the author';
  return [
    ...describeNeeds(gate),
    ...describePlaced(gate),
    ...describeMatrix(gate),
    ...(gate.prompt === undefined ? [] : [`asks     ${plain(gate.prompt)}`]),
    `approves ${count} ${who}${exclude}`,
    ...gate.inputs.map((input) => `input    ${plain(describeInput(input))}`),
    ...(gate.allowFailure === true ? ['         may fail'] : []),
    ...(gate.timeoutMs === undefined
      ? []
      : [`timeout  ${describeDuration(gate.timeoutMs)}, then ${gate.timeoutThen ?? 'reject'}`]),
    ...describeClock('deadline', gate.deadlineMs),
  ];
}
