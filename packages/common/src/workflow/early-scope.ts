import { type ConditionScope, isLateName } from '../expressions/index.js';
import type { EarlyPlace } from './open-texts.js';

/** The names of a text that has to be known when the run is planned: none of what nodes give. */
export function earlyScope(early: EarlyPlace): ConditionScope {
  return {
    // Other names are told when this one is mended.
    find: (path) =>
      isLateName(path) ? { message: `${messages[early]}, and ${late(path)}`, hint: hints[early] } : { type: 'string' },
  };
}

function late([root, id]: readonly string[]): string {
  if (id === undefined) return 'what nodes give only later';
  return root === 'gates' ? `what gate "${id}" was told only later` : `what "${id}" gave only later`;
}

const messages: Record<EarlyPlace, string> = {
  name: 'names are known when a run is planned',
  pool: 'the pool of a job is known when its run is planned',
  group: 'the group of a run is known when it is planned',
  workflow: 'the env of a workflow is known when its run is planned',
};

const hints: Record<EarlyPlace, string> = {
  name: 'Say it in the env or the image of the node, or in the prompt of a gate; scripts read variables: $NEEDS_BUILD_VERSION.',
  pool: 'Make a job for each pool, each with a condition: when="needs.build.outputs.os == \'illumos\'".',
  group: 'Make it of what the event says: branch, tag, pull_request.number, inputs.level.',
  workflow: 'Say it in the env of each job that needs it.',
};
