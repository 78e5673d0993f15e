import { nearestName } from '../errors/index.js';
import { type ConditionScope, type NameType, tableScope } from '../expressions/index.js';
import { quote } from '../kdl/index.js';
import { namesIn } from './expression-names.js';
import type { NodeInGraph } from './needs-graph.js';
import type { OpenText } from './open-texts.js';
import type { Trigger } from './workflow.js';

/** The node whose conditions are looked at, among all others. */
export interface ConditionPlace {
  node: NodeInGraph;
  byId: ReadonlyMap<string, NodeInGraph>;
  /** Ids of what it needs, as they are written. */
  needs: ReadonlySet<string>;
  /** Ids of all that has ended when it begins. */
  upstream(): ReadonlySet<string>;
}

/** What a condition may read of an error, in `catch` and `finally`. */
export const errorNames = {
  'error.kind': 'What kind of failure it was, as `CI_ERROR_KIND`; nothing in `finally` if there was none.',
  'error.reason': 'The same in words.',
  'error.step': 'The name of the step that failed.',
  'error.exit': 'Its exit code, a number; 0 if it has none.',
} as const;

/** How a node can have ended, as `needs.<id>.result` says it. */
export const results = ['succeeded', 'failed', 'timed_out', 'cancelled', 'skipped'] as const;

type Found = ReturnType<ConditionScope['find']>;

/** The names of a place, with what is said of those that would be right elsewhere. */
export function conditionScope(
  place: ConditionPlace,
  kind: NonNullable<OpenText['condition']>,
  on: readonly Trigger[],
): ConditionScope {
  const { node } = place;
  const axes = node.matrix?.axes ?? [];
  const names: Record<string, NameType> = { ...namesIn(on, { axes, runsOn: node.what === 'job' }) };
  if (kind === 'afterwards') {
    for (const name of Object.keys(errorNames)) names[name] = name === 'error.exit' ? 'int' : 'string';
  }
  const table = tableScope(names, (root) => (Object.hasOwn(hints, root) ? hints[root] : undefined));
  return {
    find(path) {
      if (path[0] === 'needs') return findNeed(path, place);
      if (path[0] === 'gates') return findGate(path, place);
      return table.find(path);
    },
  };
}

const hints: Record<string, string> = {
  matrix: 'Only what has a matrix has values of it: matrix { axis "os" "linux" "illumos"; }.',
  inputs: 'Inputs are those of on "manual" { input "level"; }; those of a gate are gates.<id>.<name>.',
  error: 'There is an error to read in steps of catch and finally only.',
  secrets: 'Secrets are no values of conditions.',
  env: 'Variables are for steps; a condition reads values: branch, inputs.level, needs.build.outputs.version.',
  github: 'There are: branch, tag, sha, event, actor, pull_request.number.',
  steps: 'Steps are not read; what a job gives is: needs.build.outputs.version.',
  runs_on: 'Only jobs have a pool.',
};

function findNeed(path: readonly string[], { node, byId, needs: ids }: ConditionPlace): Found {
  const [, id, field, name, ...rest] = path;
  if (id === undefined) {
    return {
      message: 'this is all that it needs',
      hint: `Read one of them: ${spelled([...ids][0] ?? 'build')}.result.`,
    };
  }
  const needed = byId.get(id);
  if (!ids.has(id)) {
    const needs = [...ids];
    const meant = nearestName(id, needs) ?? needs.find((one) => one.startsWith(`${id}-`));
    if (needed !== undefined) {
      const message = `${node.what} ${quote(node.id)} reads ${spelled(id)}, and does not need it`;
      return { message, hint: `Add needs ${quote(id)} to it.` };
    }
    const known = needs.length === 0 ? 'It needs nothing.' : `It needs: ${needs.slice(0, 10).join(', ')}.`;
    const hint = meant === undefined ? known : `Did you mean ${spelled(meant)}?`;
    return { message: `${node.what} ${quote(node.id)} needs nothing called ${quote(id)}`, hint };
  }
  const written = spelled(id);
  const all = `There are: ${written}.result, ${written}.reason, ${written}.outputs.version.`;
  if (field === undefined) return { message: `this is all of ${written}`, hint: all };
  if (field === 'result' || field === 'reason') {
    return name === undefined ? { type: 'string' } : { message: `${written}.${field} is a text`, hint: all };
  }
  if (field !== 'outputs') {
    const meant = nearestName(field, ['result', 'reason', 'outputs']);
    const hint = meant === undefined ? all : `Did you mean ${written}.${meant}?`;
    return { message: `there is no ${written}.${field}`, hint };
  }
  if (name === undefined)
    return { message: 'this is all outputs', hint: `Read one of them: ${written}.outputs.version.` };
  if (rest.length > 0) return { message: `${written}.outputs.${name} is a text`, hint: `There is nothing in it.` };
  return needed === undefined || mayGive(needed, name, byId)
    ? { type: 'string' }
    : { message: `${needed.what} ${quote(id)} has no output ${quote(name)}`, hint: outputsHint(needed) };
}

/** A step can set any output; other nodes have those that are known. Of a branch as a whole: also those of all in it. */
function mayGive(needed: NodeInGraph, name: string, byId: ReadonlyMap<string, NodeInGraph>): boolean {
  switch (needed.what) {
    case 'job':
      return true;
    case 'gate':
      return (needed.inputs ?? []).some((input) => input.name === name);
    case 'branch':
      return name === 'taken' || [...byId.values()].some(({ what, branch }) => branch !== undefined && what !== 'wait');
    case 'wait':
      return false;
  }
}

function outputsHint(needed: NodeInGraph): string {
  if (needed.what === 'wait') return 'A wait has none.';
  const names = needed.what === 'branch' ? ['taken'] : (needed.inputs ?? []).map(({ name }) => name);
  return names.length === 0 ? 'It has no inputs, so it has none.' : `There are: ${names.join(', ')}.`;
}

function findGate(path: readonly string[], { node, byId, upstream }: ConditionPlace): Found {
  const [, id, name, ...rest] = path;
  const gate = byId.get(id ?? '');
  if (id === undefined || gate?.what !== 'gate') {
    const gates = [...byId.values()].filter(({ what }) => what === 'gate').map((one) => one.id);
    const known = gates.length === 0 ? 'This workflow has none.' : `There are: ${gates.slice(0, 10).join(', ')}.`;
    const nearest = nearestName(id ?? '', gates);
    const hint = nearest === undefined ? known : `Did you mean ${spelled(nearest, 'gates')}?`;
    return { message: id === undefined ? 'this is all gates' : `there is no gate ${quote(id)}`, hint };
  }
  const inputs = gate.inputs ?? [];
  const input = inputs.find((one) => one.name === name);
  if (input === undefined || rest.length > 0) {
    const all = inputs.length === 0 ? 'It has no inputs.' : `There are: ${inputs.map((one) => one.name).join(', ')}.`;
    const nearest = nearestName(
      name ?? '',
      inputs.map((one) => one.name),
    );
    const hint = nearest === undefined || rest.length > 0 ? all : `Did you mean ${spelled(id, 'gates')}.${nearest}?`;
    return {
      message: name === undefined ? `this is all of gate ${quote(id)}` : `gate ${quote(id)} has no such input`,
      hint,
    };
  }
  if (!upstream().has(id)) {
    const message = `${node.what} ${quote(node.id)} reads gate ${quote(id)}, and may come before it`;
    return { message, hint: `Add needs ${quote(id)} to it.` };
  }
  return { type: input.type };
}

/** `needs.test`, or `needs['unit-tests']` where CEL would read something else. */
function spelled(id: string, root = 'needs'): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(id) ? `${root}.${id}` : `${root}['${id}']`;
}
