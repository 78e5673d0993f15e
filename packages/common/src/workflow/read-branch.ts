import { flagOf, type LocatedNode, type SaidWords, type Text, textOf } from '../kdl/index.js';
import type { WorkflowSink } from './diagnostic-codes.js';
import type { OpenText } from './open-texts.js';
import { openName } from './read-names.js';
import { asNeeds, type Need, readClocks, readId, readNeeds, readWhen } from './read-node.js';
import { readWords } from './read-words.js';
import type { Branch } from './workflow.js';

export interface ReadBranch {
  branch: Branch;
  idText: Text;
  needs: Need[];
  open: OpenText[];
}

export const branchSides = ['then', 'else'] as const;

const example = 'Write branch id="release" when="glob(tag, \'v*\')" { then { job …; }; else { job …; }; }.';

/**
 * A branch, and what is said in its two blocks, which hold nodes like the workflow itself. The blocks are there also when
 * the branch is not, so that what is wrong in them is told too.
 */
export function readBranch(
  node: LocatedNode,
  sink: WorkflowSink,
): { read: ReadBranch | undefined; sides: { side: 'then' | 'else'; said: SaidWords }[] } {
  const said = readWords(node, 'branch', sink);
  const open: OpenText[] = [];
  const name = openName(textOf(said.get('name'), sink), 'the name of a branch', open, sink);
  const idText = readId(node, said, { what: 'branch', word: 'id', name }, sink);
  const when = readWhen(said, 'node', open, sink);
  if (said.get('when') === undefined && !said.hasUnknown) {
    sink.error(node.headSpan, 'missing-value', 'this branch does not say what decides it', example);
  }
  if (said.get('then') === undefined && !said.hasUnknown) {
    const turned = said.get('else') !== undefined;
    const hint = turned ? 'Turn the condition round, and put it into "then": when="!(…)".' : example;
    sink.error(node.headSpan, 'missing-jobs', 'this branch has no "then"', hint);
  }
  const needs = readNeeds(said, sink);
  const allowFailure = flagOf(said.get('allow_failure'), sink);
  const clocks = readClocks(said, ['deadline'], sink);
  const sides = branchSides.flatMap((side) => {
    const inner = readJobsBlock(said, side, sink);
    return inner === undefined ? [] : [{ side, said: inner }];
  });
  if (idText === undefined) return { read: undefined, sides };
  const branch: Branch = {
    id: idText.text,
    name: name ?? idText.text,
    when: when ?? 'true',
    ...asNeeds(needs),
    ...(allowFailure ? { allowFailure } : {}),
    ...clocks,
    span: node.headSpan,
  };
  return { read: { branch, idText, needs, open }, sides };
}

/** What is said in `then`, `else` or `on_failure`. */
export function readJobsBlock(
  said: SaidWords,
  word: 'then' | 'else' | 'on_failure',
  sink: WorkflowSink,
): SaidWords | undefined {
  const one = said.get(word);
  if (one === undefined) return undefined;
  const inner = readWords(one.node, 'jobs', sink);
  const [argument] = one.node.arguments;
  const hint = `Write ${word} { job id="tell" { step run="./ci/tell.sh"; }; }.`;
  if (argument !== undefined) sink.error(argument.span, 'wrong-form', `"${word}" has jobs, and no value`, hint);
  else if (inner.said.length === 0 && !inner.hasUnknown) {
    sink.error(one.node.headSpan, 'missing-jobs', `"${word}" has no jobs`, hint);
  }
  return inner;
}
