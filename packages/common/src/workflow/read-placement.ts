import {
  flagOf,
  isHostId,
  type LocatedNode,
  listOf,
  numberOf,
  quote,
  type Said,
  type SaidWords,
  type SpanMaker,
  sizeOf,
  sizeText,
} from '../kdl/index.js';
import type { WorkflowSink } from './diagnostic-codes.js';
import { workflowLimits } from './limits.js';
import { noExpressions } from './no-expressions.js';
import { readChoice } from './read-choice.js';
import { readWords } from './read-words.js';
import type { Job, Place } from './workflow.js';

/** Where a job may run, what it takes there, and that it is never twice at once. */
export function readPlacement(
  said: SaidWords,
  lines: SpanMaker,
  sink: WorkflowSink,
): Pick<Job, 'resources' | 'place' | 'exclusive'> {
  const resources = readResources(said.get('resources'), sink);
  const place = readPlace(said.get('place'), lines, sink);
  const exclusive = flagOf(said.get('exclusive'), sink);
  return {
    ...(resources === undefined ? {} : { resources }),
    ...(place === undefined ? {} : { place }),
    ...(exclusive ? { exclusive } : {}),
  };
}

function readResources(said: Said | undefined, sink: WorkflowSink): Job['resources'] {
  if (said === undefined) return undefined;
  const { node } = said;
  const inner = readWords(node, 'resources', sink);
  const [argument] = node.arguments;
  if (argument !== undefined) {
    const hint = 'Write resources cpus=2 memory="4GiB".';
    sink.error(argument.span, 'wrong-form', '"resources" says what each value is', hint);
    return undefined;
  }
  const cpus = readCpus(inner.get('cpus'), sink);
  const memoryBytes = readMemory(inner.get('memory'), sink);
  if (inner.said.length === 0 && !inner.hasUnknown) {
    const hint = 'Write resources cpus=2 memory="4GiB", one of them, or leave it out.';
    sink.error(node.headSpan, 'missing-value', '"resources" says nothing', hint);
  }
  if (cpus === undefined && memoryBytes === undefined) return undefined;
  return { ...(cpus === undefined ? {} : { cpus }), ...(memoryBytes === undefined ? {} : { memoryBytes }) };
}

function readCpus(said: Said | undefined, sink: WorkflowSink): number | undefined {
  const cpus = numberOf(said, { whole: false, most: workflowLimits.cpus }, sink);
  const [value] = said?.node.arguments ?? [];
  if (cpus === undefined || value === undefined || cpus >= workflowLimits.leastCpus) return cpus;
  sink.error(
    value.span,
    'bad-number',
    `nothing gets done with ${quote(value.source)} of a cpu`,
    `The least is cpus=${workflowLimits.leastCpus}.`,
  );
  return undefined;
}

function readMemory(said: Said | undefined, sink: WorkflowSink): number | undefined {
  const bytes = sizeOf(said, sink);
  const [value] = said?.node.arguments ?? [];
  if (bytes === undefined || value === undefined || bytes >= workflowLimits.leastMemoryBytes) return bytes;
  sink.error(
    value.span,
    'bad-size',
    `no job runs in ${sizeText(bytes)}`,
    `The least is memory="${sizeText(workflowLimits.leastMemoryBytes).replace(' ', '')}".`,
  );
  return undefined;
}

function readPlace(said: Said | undefined, lines: SpanMaker, sink: WorkflowSink): Place | undefined {
  if (said === undefined) return undefined;
  // As a property it has no words of its own: they would be the job's.
  const inner = readWords(said.as === 'child' ? said.node : { ...said.node, properties: [] }, 'place', sink);
  const otherwise = readChoice(inner.get('otherwise'), ['any'], sink);
  const on = readChoice(inner.get('on'), ['infra', 'any'], sink);
  const hosts = readHosts(said, said.node, lines, sink);
  if (hosts.length === 0) return undefined; // It was said why.
  return { hosts, ...(otherwise === undefined ? {} : { otherwise }), on: on ?? 'infra' };
}

function readHosts(said: Said, node: LocatedNode, lines: SpanMaker, sink: WorkflowSink): string[] {
  const hosts = new Set<string>();
  const listed = { what: 'host', ifEmpty: 'Write place "helios-1", or leave it out.' };
  for (const written of listOf(said, listed, sink)) {
    const text = noExpressions(written, '"place"', lines, sink);
    if (text === undefined) continue;
    if (!text.open && !isHostId(text.text)) {
      const lower = text.text.toLowerCase();
      sink.error(
        text.value.span,
        'bad-host',
        `${quote(text.text)} is not the name of a host`,
        isHostId(lower)
          ? `Did you mean "${lower}"?`
          : 'A host is called by lower case letters, digits, "-" and ".": place "helios-1".',
      );
    } else if (hosts.has(text.text)) {
      const hint = 'The order is the order of preference: keep the first.';
      sink.error(text.value.span, 'duplicate-host', `host ${quote(text.text)} is named twice`, hint);
    } else {
      hosts.add(text.text);
    }
  }
  if (hosts.size > workflowLimits.hostsOfPlace) {
    sink.error(
      node.headSpan,
      'too-many-hosts',
      `"place" names ${hosts.size} hosts; ${workflowLimits.hostsOfPlace} are the most`,
      'A pool of their own is the better name for so many: runs_on="…".',
    );
  }
  return [...hosts];
}
