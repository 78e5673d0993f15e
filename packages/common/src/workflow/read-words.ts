import * as kdl from '../kdl/index.js';
import type { WorkflowSink } from './diagnostic-codes.js';
import { type Place, workflowLanguage } from './words.js';

export function readWords(
  node: kdl.LocatedNode,
  place: Place,
  sink: WorkflowSink,
  options: kdl.ReadOptions = {},
): kdl.SaidWords {
  return kdl.readWords(workflowLanguage, node, place, sink, options);
}

export function reportUnknown(node: kdl.LocatedNode, place: Place, sink: WorkflowSink): void {
  kdl.reportUnknown(workflowLanguage, node, place, sink);
}

export function notAvailable(node: kdl.LocatedNode, what: string, sink: WorkflowSink): void {
  kdl.notAvailable(workflowLanguage, node, what, sink);
}
