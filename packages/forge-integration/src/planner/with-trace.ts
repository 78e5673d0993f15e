import type { PlanRequest } from '@solstice/common/store';
import type { TraceContext } from '@solstice/common/telemetry';

/** Whatever comes of this plan goes on in that trace. */
export function withTrace(request: PlanRequest, trace: TraceContext | undefined): PlanRequest {
  if (trace === undefined) return request;
  return {
    ...request,
    runs: request.runs.map((run) => ({ ...run, trace })),
    failedChecks: request.failedChecks.map((check) => ({ ...check, trace })),
  };
}
