import type { OperatorClient } from '@solstice/api';
import { type FlowEvent, nodeOf, nodesOf, replay } from '@solstice/common/flow';
import { expect } from 'vitest';

/** Folding the engine over a run's stored events gives what is stored of the run: for every run that any scenario made. */
export async function expectEveryRunReplays(client: OperatorClient): Promise<void> {
  for (const { id, number } of await client.runs({ limit: 1000 })) {
    const run = await client.run(id);
    const folded = replay((await client.events(id)) as FlowEvent[]);
    expect(folded.state, `run ${number}`).toBe(run.state);
    for (const node of run.nodes) {
      expect(nodeOf(folded, node.id)?.state, `${node.id} of run ${number}`).toBe(node.state);
      const attempts = nodeOf(folded, node.id)?.attempts.map(({ state }) => state);
      expect(attempts, `attempts of ${node.id} of run ${number}`).toEqual(node.attempts.map(({ state }) => state));
    }
    expect(
      nodesOf(folded)
        .map(({ id }) => id)
        .sort(),
    ).toEqual(run.nodes.map((node) => node.id).sort());
  }
}
