import { randomUUID } from 'node:crypto';
import { assertNever, SolsticeError } from '@solstice/common/errors';
import { type GateSpec, type GateVerdict, type Refusal, samePerson } from '@solstice/common/flow';
import type { RunDetail } from '@solstice/common/store';
import { describeInput } from '@solstice/common/workflow';
import type { FastifyInstance } from 'fastify';
import type { OperatorApiDeps } from '../deps.js';
import { parseInput, RefusedError } from '../operator/errors.js';
import { approveBodySchema, gateRefSchema, rejectBodySchema } from '../requests.js';
import { findRun } from '../runs/find-run.js';
import { runDetailView } from '../runs/run-view.js';
import type { GateAnswer } from '../schemas.js';
import { findGate } from './find-gate.js';

interface Said {
  by: string;
  requestId: string | undefined;
  inputs: Record<string, string>;
  reason: string | undefined;
}

/** What people say to gates. The engine, under the run's lock, has the last word on who may and whether it is the time. */
export function registerGateRoutes(app: FastifyInstance, deps: OperatorApiDeps): void {
  const { store } = deps;

  const decide = async (params: unknown, verdict: GateVerdict['verdict'], said: Said): Promise<GateAnswer> => {
    const { run: ref, gate: id } = parseInput(gateRefSchema, params);
    const run = await findRun(store, ref);
    const gate = findGate(run, id);
    const outcome = await store.runs.command(run.id, {
      kind: 'decide',
      nodeId: gate.id,
      verdict,
      by: said.by,
      teams: deps.teams
        .filter(({ members }) => members.some((member) => samePerson(member, said.by)))
        .map(({ name }) => name),
      inputs: said.inputs,
      ...(said.reason !== undefined && { reason: said.reason }),
      requestId: said.requestId ?? randomUUID(),
    });
    if ('refused' in outcome) throw refused(outcome, run, gate, verdict);
    return {
      run: runDetailView(await findRun(store, run.id), deps.publicUrl()),
      repeated: outcome.events.length === 0,
    };
  };

  app.post('/runs/:run/gates/:gate/approve', async (request) => {
    const { inputs = {}, by = 'operator', reason, requestId } = parseInput(approveBodySchema, request.body ?? {});
    return await decide(request.params, 'approve', { inputs, by, reason, requestId });
  });

  app.post('/runs/:run/gates/:gate/reject', async (request) => {
    const { by = 'operator', reason, requestId } = parseInput(rejectBodySchema, request.body ?? {});
    return await decide(request.params, 'reject', { inputs: {}, by, reason, requestId });
  });
}

function refused(refusal: Refusal, run: RunDetail, gate: GateSpec, verdict: GateVerdict['verdict']): SolsticeError {
  const what = verdict === 'approve' ? 'approved' : 'rejected';
  const message = `Gate ${gate.id} of run ${run.number} cannot be ${what}: ${refusal.reason}`;
  switch (refusal.kind) {
    case undefined:
      return new RefusedError(message, refusal.state);
    case 'forbidden':
      return new SolsticeError('forbidden', message);
    case 'invalid':
      return new SolsticeError('usage', message, { hint: whatMaySay(gate) });
    default:
      return assertNever(refusal.kind);
  }
}

function whatMaySay({ inputs }: GateSpec): string {
  if (inputs.length === 0) return 'It has no inputs.';
  return `Its inputs: ${inputs.map(describeInput).join('; ')}.`;
}
