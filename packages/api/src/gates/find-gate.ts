import { nearestName, SolsticeError } from '@solstice/common/errors';
import type { GateSpec } from '@solstice/common/flow';
import type { RunDetail } from '@solstice/common/store';

/** Rejects with `not-found` what is no node of the run, and with `usage` what is one, but no gate. */
export function findGate(run: RunDetail, id: string): GateSpec {
  const spec = run.spec.nodes.find((node) => node.id === id);
  if (spec?.kind === 'gate') return spec;
  const gates = run.spec.nodes.filter((node) => node.kind === 'gate').map((node) => node.id);
  const hint =
    gates.length === 0 ? `Run ${run.number} has no gates.` : `The gates of run ${run.number}: ${gates.join(', ')}.`;
  if (spec) throw new SolsticeError('usage', `"${id}" of run ${run.number} is a ${spec.kind}, not a gate.`, { hint });
  // A matrix is written as one node: its cells have ids of their own.
  const { bundles = {} } = run.spec;
  const cells = Object.hasOwn(bundles, id) ? (bundles[id] ?? []).filter((cell) => gates.includes(cell)) : [];
  if (cells.length > 0) {
    throw new SolsticeError('usage', `"${id}" of run ${run.number} is a gate for each cell of a matrix.`, {
      hint: `Say which: ${cells.join(', ')}.`,
    });
  }
  const meant = nearestName(id, gates);
  throw new SolsticeError(
    'not-found',
    `Run ${run.number} has no gate "${id}"${meant ? `; did you mean "${meant}"?` : '.'}`,
    {
      hint,
    },
  );
}
