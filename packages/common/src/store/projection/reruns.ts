import { isRefusal, planRerun, type Refusal, type RunFlow } from '../../flow/index.js';
import type { NewRun, RerunRequest } from '../port/index.js';
import type { RunMeta } from './run-detail.js';

/** The run that does this one again: frozen as it was, for the same check. */
export function rerunOf(old: RunFlow, meta: RunMeta, request: RerunRequest): NewRun | Refusal {
  const planned = planRerun(old, request.which);
  if (isRefusal(planned)) {
    return planned;
  }
  const { newRunId, pageKey, by, trace } = request;
  const { source, trigger, checkContext } = meta;
  const generation = (old.rerun?.generation ?? 0) + 1;
  return {
    ...{ runId: newRunId, pageKey, spec: old.spec, source, trigger, checkContext },
    origin: { rerun: { of: old.runId, generation, by }, reused: planned.reused },
    ...(trace !== undefined && { trace }),
  };
}
