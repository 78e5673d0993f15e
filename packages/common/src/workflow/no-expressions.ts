import { quote, type SpanMaker, spanOfPiece, type Text } from '../kdl/index.js';
import type { WorkflowSink } from './diagnostic-codes.js';

/** `open`: it has a `${…}`, which isn't available yet, so its form can't be checked. */
export interface CheckedText extends Text {
  open: boolean;
}

/** Reports a `${…}`, and says so in what it returns. */
export function noExpressions(
  text: Text | undefined,
  what: string,
  lines: SpanMaker,
  sink: WorkflowSink,
): CheckedText | undefined {
  if (text === undefined) return undefined;
  const found = /\$\{[^}]*\}?/.exec(text.text);
  if (found === null) return { ...text, open: false };
  sink.warning(
    spanOfPiece(text.value, found[0], lines),
    'not-available-yet',
    `${quote(found[0])} in ${what} is not available yet`,
    'Expressions are part of the language, but this version cannot evaluate them; write the value itself.',
  );
  return { ...text, open: true };
}
