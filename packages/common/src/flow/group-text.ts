import type { RunSpec } from './spec.js';

/** `concurrency group main` */
export function groupText(spec: RunSpec): string {
  const group = spec.concurrency?.group;
  return group === undefined ? 'its concurrency group' : `concurrency group ${group}`;
}
