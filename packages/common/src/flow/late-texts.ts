import { MAX_TEXT_LENGTH, tooLong } from '../expressions/index.js';
import { isImageName, workflowLimits } from '../workflow/index.js';
import type { Cause } from './cause.js';
import { contextIn, evaluateIn } from './conditions.js';
import type { Draft } from './evolve.js';
import { describePlace, type LatePlace, lateTextsOf } from './late-places.js';
import { oneLine } from './one-line.js';
import type { LateText, NodeSpec } from './spec.js';
import { problemOfText } from './storable-text.js';

/**
 * What the late texts of a node come to, in their order, now that all that it needs has ended: nothing of that changes any
 * more, so it is the same whenever it is asked for. Or why one of them comes to nothing that can be used.
 */
export function resolveTexts(draft: Draft, node: NodeSpec): { texts: string[] } | { cause: Cause } {
  const late = lateTextsOf(node);
  const texts: string[] = [];
  if (late.length === 0) {
    return { texts };
  }
  const { spec: run, lateLength } = draft.head;
  const context = contextIn(run, node.id, (id) => draft.findNode(id));
  let length = lateLength;
  for (const { at, pieces } of late) {
    const place = describePlace(at, node);
    const outcome = joined(pieces, (expression) => evaluateIn(run, expression, context));
    if ('failed' in outcome) {
      return { cause: { kind: 'expression', detail: shown(`${place}: ${outcome.failed}`) } };
    }
    const text = at.kind === 'prompt' ? oneLine(outcome.text, workflowLimits.promptCharacters) : outcome.text;
    length += text.length;
    const problem =
      outcome.problem ?? problemOf(at, text) ?? (length > workflowLimits.textOfRun ? allTooLong : undefined);
    if (problem !== undefined) {
      return { cause: { kind: 'text', detail: shown(`${place} "${written(pieces)}": ${problem}`) } };
    }
    texts.push(text);
  }
  return { texts };
}

type Evaluate = (expression: string) => { text: string } | { problem: string };

function joined(
  pieces: LateText['pieces'],
  evaluate: Evaluate,
): { text: string; problem?: string } | { failed: string } {
  let text = '';
  for (const piece of pieces) {
    const found = 'text' in piece ? piece : evaluate(piece.expression);
    if ('problem' in found) {
      return { failed: `${'expression' in piece ? piece.expression : ''}: ${found.problem}` };
    }
    text += found.text;
    if (text.length > MAX_TEXT_LENGTH) {
      return { text: '', problem: tooLong };
    }
  }
  return { text };
}

const allTooLong = `what nodes gave makes more than ${workflowLimits.textOfRun} characters of text in this run`;

function problemOf(at: LatePlace, text: string): string | undefined {
  const problem = problemOfText(text);
  if (problem !== undefined) {
    return problem;
  }
  const isImage = at.kind === 'image' || at.kind === 'service-image';
  return isImage && !isImageName(text) ? `it gives "${text}", which is not the name of an image` : undefined;
}

/** As it is in the file, but for what was known when the run was planned. */
function written(pieces: LateText['pieces']): string {
  return pieces.map((piece) => ('text' in piece ? piece.text : `\${${piece.expression}}`)).join('');
}

/** Outputs may be anything, and this is read by people. */
function shown(detail: string): string {
  return oneLine(detail.replace(/[\p{Cf}\p{Surrogate}]/gu, ' '), 500);
}
