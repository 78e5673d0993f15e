import type { WorkerSpec } from '../backend.js';

/** On everything that is made, so that a sweep knows its own and touches nothing else on the machine. */
export const LABELS = {
  host: 'solstice.host',
  worker: 'solstice.worker',
  attempt: 'solstice.attempt',
  epoch: 'solstice.epoch',
  /** `yes`: it was given a mirror. */
  mirror: 'solstice.mirror',
  /** On the container of a service: its name. */
  service: 'solstice.service',
} as const;

/** Of a worker's container and of its network; deterministic, so that a second provision meets the first. */
export function nameOf(workerId: string): string {
  return `solstice-${workerId}`;
}

export function serviceNameOf(workerId: string, service: string): string {
  return `${nameOf(workerId)}-${service}`;
}

export function labelsOf(spec: WorkerSpec): Record<string, string> {
  return {
    [LABELS.host]: spec.hostId,
    [LABELS.worker]: spec.workerId,
    [LABELS.attempt]: spec.attemptId,
    [LABELS.epoch]: String(spec.epoch),
    [LABELS.mirror]: spec.mirrorDirectory === undefined ? 'no' : 'yes',
  };
}
