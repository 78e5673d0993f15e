import type { Node } from '@bgotink/kdl';
import type { Problems } from './problems.js';
import { placeOf } from './sections.js';
import type { TeamSettings } from './settings.js';
import { person, teamName, type ValueKind } from './values.js';

/** `team "release" "ada" "grace"`: a name, and who is in it. What is wrong is told, and left out. */
export function readTeams(nodes: readonly Node[], file: string, problems: Problems): TeamSettings[] {
  const teams: TeamSettings[] = [];
  const placeByName = new Map<string, string>();
  for (const node of nodes) {
    const place = placeOf(node, file);
    const [first, ...others] = node.entries;
    const odd = node.entries.find((entry) => entry.getName() !== null);
    if (odd !== undefined || node.children !== null) {
      problems.add(odd === undefined ? place : placeOf(odd, file), `team takes names only: ${form}`);
      continue;
    }
    if (first === undefined || others.length === 0) {
      problems.add(place, `team takes a name, and who is in it: ${form}`);
      continue;
    }
    const name = check('team', teamName, first.getValue(), placeOf(first, file), problems);
    if (name === undefined) {
      continue;
    }
    const earlier = placeByName.get(name);
    if (earlier !== undefined) {
      problems.add(place, `team "${name}" is there twice, first at ${earlier}`);
      continue;
    }
    placeByName.set(name, place);
    const members = new Set<string>();
    for (const entry of others) {
      const at = placeOf(entry, file);
      const member = check(`team "${name}"`, person, entry.getValue(), at, problems);
      if (member !== undefined && members.has(member)) {
        problems.add(at, `team "${name}": "${member}" is there twice`);
      }
      if (member !== undefined) {
        members.add(member);
      }
    }
    teams.push({ name, members: [...members] });
  }
  return teams;
}

const form = 'team "release" "ada" "grace"';

function check<T>(subject: string, kind: ValueKind<T>, value: unknown, place: string, problems: Problems) {
  const result = kind.schema.safeParse(value);
  if (result.success) {
    return result.data;
  }
  problems.add(place, `${subject}: ${JSON.stringify(value)} is not ${kind.expected}`);
  return undefined;
}
