import { durationOf, flagOf, type LocatedNode, type Text, textOf } from '../kdl/index.js';
import type { WorkflowSink } from './diagnostic-codes.js';
import type { OpenText } from './open-texts.js';
import { readMatrix } from './read-matrix.js';
import { openName } from './read-names.js';
import { asNeeds, type Need, readClocks, readId, readNeeds, readWhen } from './read-node.js';
import { readWords } from './read-words.js';
import type { Wait } from './workflow.js';

export interface ReadWait {
  wait: Wait;
  idText: Text;
  needs: Need[];
  open: OpenText[];
}

export function readWait(node: LocatedNode, sink: WorkflowSink): ReadWait | undefined {
  const said = readWords(node, 'wait', sink);
  const open: OpenText[] = [];
  const name = openName(textOf(said.get('name'), sink), 'the name of a wait', open, sink);
  const idText = readId(node, said, { what: 'wait', word: 'id', name }, sink);
  const forMs = durationOf(said.get('for'), sink);
  if (said.get('for') === undefined && !said.hasUnknown) {
    sink.error(
      node.headSpan,
      'missing-value',
      'this wait does not say for how long',
      'Write wait id="soak" for="15m".',
    );
  }
  const needs = readNeeds(said, sink);
  const allowFailure = flagOf(said.get('allow_failure'), sink);
  const when = readWhen(said, 'node', open, sink);
  const clocks = readClocks(said, ['deadline'], sink);
  const matrix = readMatrix(said.get('matrix'), sink);
  if (idText === undefined) return undefined;
  return {
    idText,
    needs,
    open,
    wait: {
      id: idText.text,
      name: name ?? idText.text,
      ...asNeeds(needs),
      ...(when === undefined ? {} : { when }),
      ...(allowFailure ? { allowFailure } : {}),
      ...clocks,
      ...(matrix === undefined ? {} : { matrix }),
      forMs: forMs ?? 1,
      span: node.headSpan,
    },
  };
}
