import { type attemptMoves, isTerminal, type Machine, machines, type nodeMoves, type runMoves } from './states.js';

const about: Record<Machine, string> = {
  run: 'A run is one workflow at one commit. It ends when all of its nodes have ended.',
  node: 'A node is one job, wait, branch or gate of a run. It starts when the nodes that it needs allow it.',
  attempt:
    'An attempt is one try of a job on one host. `lost` and `refused` are tried again, elsewhere where there is one.',
};

const initial: { run: keyof typeof runMoves; node: keyof typeof nodeMoves; attempt: keyof typeof attemptMoves } = {
  run: 'queued',
  node: 'waiting',
  attempt: 'queued',
};

/** docs/states.md: the three machines as drawings, made from the tables in states.ts. */
export function statesDocument(): string {
  const sections = (Object.keys(machines) as Machine[]).map(section);
  return [
    '# States',
    '',
    'Made from `packages/common/src/flow/states.ts`, which alone says what may follow what. Do not edit: change that',
    'file, then run `npx vitest run --project unit packages/common/src/flow -u`.',
    '',
    ...sections,
  ].join('\n');
}

function section(machine: Machine): string {
  const moves: Record<string, readonly string[]> = machines[machine];
  const states = Object.keys(moves) as Parameters<typeof isTerminal>[0][];
  return [
    `## ${machine[0]?.toUpperCase()}${machine.slice(1)}`,
    '',
    about[machine],
    '',
    '```mermaid',
    'stateDiagram-v2',
    `  [*] --> ${initial[machine]}`,
    ...states.flatMap((from) => (moves[from] ?? []).map((to) => `  ${from} --> ${to}`)),
    ...states.filter((state) => isTerminal(state)).map((state) => `  ${state} --> [*]`),
    '```',
    '',
  ].join('\n');
}
