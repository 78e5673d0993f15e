import { nearestName } from '../errors/index.js';
import type { CheckedCondition, Reading, TextProblem } from '../expressions/index.js';
import { type ConditionPlace, results } from './condition-names.js';
import type { DiagnosticCode } from './diagnostic-codes.js';
import { globProblem } from './glob.js';
import type { OpenText } from './open-texts.js';

/** Something that is said of a text whose names and types are right. */
export type Remark = TextProblem & { code: DiagnosticCode };

/** What is to be said of a condition whose names and types are right. An endless place is that of all of it. */
export function checkMeaning(
  condition: CheckedCondition,
  kind: NonNullable<OpenText['condition']>,
  { node, byId }: ConditionPlace,
): Remark[] {
  const found: Remark[] = [];
  for (const { name, texts } of condition.calls) {
    const [pattern] = name === 'changed' ? texts : [];
    const problem = pattern?.text === undefined ? undefined : globProblem(pattern.text, 'path');
    if (pattern !== undefined && problem !== undefined) {
      found.push({ ...problem, start: pattern.start, end: pattern.end, code: 'bad-glob' });
    }
  }
  found.push(...remarksOnNeeds(condition, byId, 'bad-condition'));
  if (condition.always === false && node.what !== 'branch') {
    const what = kind === 'node' ? `this ${node.what} never runs` : 'this step never runs';
    const hint = 'Take it out, or say when it is to run.';
    found.push({
      message: `${what}: its condition is always false`,
      hint,
      start: 0,
      end: Number.POSITIVE_INFINITY,
      code: 'never-runs',
    });
  }
  return found;
}

/** What it reads of nodes that are needed: results that there are not, outputs that are probably called otherwise. */
export function remarksOnNeeds(
  { comparisons, references }: Pick<Reading, 'comparisons' | 'references'>,
  byId: ConditionPlace['byId'],
  code: 'bad-condition' | 'bad-expression',
): Remark[] {
  const found: Remark[] = [];
  for (const { path, text, start, end } of comparisons) {
    if (path[0] !== 'needs' || path[2] !== 'result' || results.some((result) => result === text)) continue;
    const nearest = nearestName(text, results) ?? synonyms.get(text);
    const hint = nearest === undefined ? `There are: ${results.join(', ')}.` : `Did you mean '${nearest}'?`;
    found.push({ message: `no result is called '${text}'`, hint, start, end, code });
  }
  for (const { path, start, end } of references) {
    const [root, id = '', field, output = ''] = path;
    if (root !== 'needs' || field !== 'outputs') continue;
    const declared = (byId.get(id)?.job?.outputs ?? []).map(({ name }) => name);
    const nearest = declared.includes(output) ? undefined : nearestName(output, declared);
    if (nearest === undefined) continue;
    const message = `job "${id}" declares no output "${output}"`;
    const hint = `Did you mean "${nearest}"? If a step sets it, declare it too or call it otherwise.`;
    found.push({ message, hint, start, end, code: 'unknown-output' });
  }
  return found;
}

/** As other CIs call them. */
const synonyms: ReadonlyMap<string, string> = new Map([
  ['success', 'succeeded'],
  ['passed', 'succeeded'],
  ['failure', 'failed'],
  ['error', 'failed'],
  ['timeout', 'timed_out'],
]);
