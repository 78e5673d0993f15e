import { toError } from '../../errors/index.js';
import { decide, evolveAll, type FlowEvent, isRefusal, type Refusal, type RunFlow } from '../../flow/index.js';
import type { RunExport } from './document.js';
import { readExport } from './read-export.js';
import { bytesOf, documentBytes, MOST_EXPORT_BYTES } from './write-export.js';

/** The run as it would be after its export, and what that would add to its events. */
export function afterExport(run: RunFlow, by: string, now: number): { flow: RunFlow; events: FlowEvent[] } | Refusal {
  const events = decide(run, { kind: 'export', by }, now);
  return isRefusal(events) ? events : { flow: evolveAll(run, events), events };
}

/**
 * Why no import would take it; undefined: one would. Asked before the run ends here, because one that has ended goes on
 * nowhere but from this document.
 */
export function whyNotExport(
  run: RunFlow,
  document: RunExport,
  mostBytes: number = MOST_EXPORT_BYTES,
): Refusal | undefined {
  const refused = (reason: string): Refusal => ({
    refused: true,
    reason: `${reason}. It goes on here, and nothing was changed`,
    state: run.state,
  });
  const bytes = documentBytes(document);
  if (bytes > mostBytes) {
    const outputs = document.events.reduce(
      (sum, event) => sum + ('outputs' in event && event.outputs !== undefined ? bytesOf(event.outputs) : 0),
      0,
    );
    return refused(
      `its document would have ${mebibytes(bytes)} without its logs, and an import takes ${mebibytes(mostBytes)}. Outputs of jobs are ${mebibytes(outputs)} of it, the specification and the other events the rest. Let it end here, or cancel it and start it anew there`,
    );
  }
  const json = JSON.stringify(document);
  // Only keys are written like this: a quote within a text is escaped. Servers refuse such a body, or forget the key.
  if (json.includes('"__proto__":')) return refused('something in it is called __proto__, which no import takes');
  try {
    // As it arrives: what JSON leaves out is not there.
    readExport(JSON.parse(json));
  } catch (error) {
    return refused(`no import would take it. ${toError(error).message}`);
  }
  return undefined;
}

function mebibytes(bytes: number): string {
  const mib = bytes / (1024 * 1024);
  return `${mib < 10 ? mib.toFixed(1) : Math.round(mib)} MiB`;
}
