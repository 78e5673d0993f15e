import {
  type AttemptResult,
  attemptsOf,
  freeze,
  nodesOf,
  type RunFlow,
  type RunSpec,
  timersOf,
} from '../../flow/index.js';
import { parseWorkflow } from '../../workflow/index.js';

/** A workflow that has in it whatever a run can wait for, decide, try again and hand on. */
const text = `workflow "representative" {
    on "push"
    deadline "4h"
    job "build" { step run="make"; output "version" file="version.txt"; }
    job "test" {
        needs "build"
        matrix max_parallel=1 on_failure="continue" {
            axis "os" "debian" "illumos"
        }
        retry 2 on="exit:75" backoff="1s..10s"
        step run="make test"
    }
    job "lint" { needs "build"; allow_failure; step run="make lint"; }
    branch "way" when="needs.lint.result == 'failed' && needs.test.result == 'succeeded'" {
        needs "test" "lint"
        then {
            gate "ask" { timeout "1h"; approvers "user:ada" "user:grace" count=2; input "replicas" type="int" default=4; }
            job "ship" when="gates.ask.replicas > 2" { needs "ask"; step run="make ship"; }
        }
        else { job "never" { step run="false"; } }
    }
    wait "soak" for="15m" { needs "way"; }
    job "bench" { needs "soak"; deadline "2h"; queue "30m"; step run="make bench"; }
    job "broken" { needs "soak"; step run="false"; }
    job "unreached" { needs "broken"; step run="true"; }
    on_failure { job "tell" { step run="./tell"; } }
}`;

export function representativeSpec(): RunSpec {
  const { workflow, diagnostics } = parseWorkflow(text, { file: '.solstice/workflow.kdl' });
  if (workflow === undefined) throw new Error(JSON.stringify(diagnostics));
  const { spec, diagnostics: refused } = freeze(workflow, { branch: 'main' });
  if (spec === undefined) throw new Error(JSON.stringify(refused));
  return spec;
}

/** What the world does next with a run. It follows from the run alone, so that who begins in the middle does the same. */
export type Move =
  | { kind: 'claim'; attemptId: string }
  | { kind: 'start'; attemptId: string }
  | { kind: 'finish'; attemptId: string; result: AttemptResult }
  | { kind: 'lose'; attemptId: string }
  | { kind: 'approve'; nodeId: string; by: string }
  | { kind: 'time'; until: number; key: string };

export function nextMove(run: RunFlow, now: number): Move | undefined {
  for (const attempt of attemptsOf(run).filter(({ endedAt }) => endedAt === undefined)) {
    if (attempt.state === 'queued' && attempt.notBefore > now) continue;
    if (attempt.state === 'queued') return { kind: 'claim', attemptId: attempt.id };
    if (attempt.state === 'claimed') return { kind: 'start', attemptId: attempt.id };
    // A machine breaks once.
    if (attempt.nodeId === 'bench' && attempt.number === 1) return { kind: 'lose', attemptId: attempt.id };
    return { kind: 'finish', attemptId: attempt.id, result: resultOf(attempt.nodeId, attempt.number) };
  }
  const gate = nodesOf(run).find(({ id, state }) => id === 'ask' && state === 'running');
  if (gate !== undefined) {
    const by = (gate.decisions ?? []).length === 0 ? 'ada' : 'grace';
    return { kind: 'approve', nodeId: gate.id, by };
  }
  const [timer] = timersOf(run).toSorted((a, b) => a.fireAtMs - b.fireAtMs || a.key.localeCompare(b.key));
  return timer && { kind: 'time', until: timer.fireAtMs, key: timer.key };
}

function resultOf(nodeId: string, attempt: number): AttemptResult {
  const exit = (exitCode: number): AttemptResult => ({
    state: 'failed',
    cause: { kind: 'exit', step: 0, stepName: 'Test', exitCode },
  });
  if (nodeId === 'build') return { state: 'succeeded', outputs: { version: '4.2' } };
  if (nodeId === 'test.illumos' && attempt === 1) return exit(75);
  return nodeId === 'lint' || nodeId === 'broken' ? exit(1) : { state: 'succeeded' };
}

/** How it all ended, without instants and ids, which no two runs share. */
export function outcomeOf(run: RunFlow): object {
  return {
    state: run.state,
    cause: run.cause,
    nodes: nodesOf(run).map(({ id, state, outputs, cause, attempts, tolerated, decisions }) => ({
      ...{ id, state, outputs, tolerated },
      cause: cause?.kind,
      decisions: decisions?.map(({ by, verdict }) => `${by} ${verdict}`),
      attempts: attempts.map((attempt) => [attempt.state, attempt.cause?.kind]),
    })),
  };
}
