import {
  durationOf,
  identityOf,
  isImageName,
  type LocatedNode,
  quote,
  type Said,
  type SaidWords,
  type SpanMaker,
  spanOfPiece,
  textOf,
} from '../kdl/index.js';
import type { WorkflowSink } from './diagnostic-codes.js';
import { workflowLimits } from './limits.js';
import { noteOpen, type OpenText } from './open-texts.js';
import { readEnv } from './read-env.js';
import { readWords } from './read-words.js';
import type { Service } from './workflow.js';

/** A service, and its texts with expressions, which are those of its job. */
export interface ReadService {
  service: Service;
  open: OpenText[];
}

const DEFAULT_INTERVAL_MS = 2_000;
const DEFAULT_WITHIN_MS = 60_000;

/** By name, in the order of the file. */
export function readServices(said: SaidWords, lines: SpanMaker, sink: WorkflowSink): Map<string, ReadService> {
  const services = new Map<string, ReadService>();
  for (const { node } of said.all('service')) {
    const one = readService(node, lines, sink);
    if (one === undefined) continue;
    const { name } = one.service;
    if (services.has(name)) {
      const hint = 'Its name is its address: give this one another.';
      sink.error(node.headSpan, 'duplicate-service', `there is a service ${quote(name)} already`, hint);
    } else if (services.size >= workflowLimits.servicesOfJob) {
      const message = `a job may have ${workflowLimits.servicesOfJob} services, and this is one more`;
      sink.error(node.headSpan, 'too-many-services', message, 'Put some into one image.');
    } else {
      services.set(name, one);
    }
  }
  return services;
}

function readService(node: LocatedNode, lines: SpanMaker, sink: WorkflowSink): ReadService | undefined {
  const said = readWords(node, 'service', sink);
  const open: OpenText[] = [];
  const name = readName(node, said, sink);
  const image = readImage(node, said, open, sink);
  const env = readEnv(said.all('env'), (text) => noteOpen(text, open), sink);
  const ready = readReady(said.get('ready'), lines, sink);
  if (name === undefined || image === undefined) return undefined;
  return { service: { name, image, env, ...(ready === undefined ? {} : { ready }) }, open };
}

function readName(node: LocatedNode, said: SaidWords, sink: WorkflowSink): string | undefined {
  const text = identityOf(node, said, 'name', sink);
  if (text === undefined) {
    if (said.get('name') === undefined && node.arguments.length === 0 && !said.hasUnknown) {
      const hint = 'Write service "postgres" image="postgres:16": the job finds it by that name.';
      sink.error(node.headSpan, 'missing-name', 'this service has no name', hint);
    }
    return undefined;
  }
  if (/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text.text) && text.text !== 'localhost') return text.text;
  const hint =
    'Its name is its address: small letters, digits and "-", at most 63, with a letter first, and not "localhost".';
  sink.error(text.value.span, 'bad-service', `${quote(text.text)} is no good as the name of a service`, hint);
  return undefined;
}

function readImage(node: LocatedNode, said: SaidWords, open: OpenText[], sink: WorkflowSink): string | undefined {
  const text = textOf(said.get('image'), sink);
  if (text === undefined) {
    if (said.get('image') === undefined && !said.hasUnknown) {
      const hint = 'Write service "postgres" image="postgres:16".';
      sink.error(node.headSpan, 'missing-value', 'this service has no image', hint);
    }
    return undefined;
  }
  if (noteOpen(text, open) || isImageName(text.text)) return text.text;
  const hint = 'Images are called "postgres:16" or "ghcr.io/acme/db:2", in small letters.';
  sink.error(text.value.span, 'bad-image', `${quote(text.text)} is not the name of an image`, hint);
  return undefined;
}

/** `ready "pg_isready -U postgres" interval="2s" within="1m"`. */
function readReady(said: Said | undefined, lines: SpanMaker, sink: WorkflowSink): Service['ready'] {
  if (said === undefined) return undefined;
  const { node } = said;
  // As a property it has no words of its own: they would be the service's.
  const inner = readWords(said.as === 'child' ? node : { ...node, properties: [] }, 'ready', sink);
  const command = textOf({ ...said, node: { ...node, properties: [], children: undefined } }, sink);
  const interval = durationOf(inner.get('interval'), sink);
  const within = durationOf(inner.get('within'), sink);
  if (interval !== undefined && within !== undefined && interval > within) {
    const hint = 'It is asked again after each interval, for as long as "within" says.';
    sink.error(node.headSpan, 'bad-duration', '"interval" is longer than "within"', hint);
  }
  const intervalMs = interval ?? Math.min(DEFAULT_INTERVAL_MS, within ?? DEFAULT_INTERVAL_MS);
  const withinMs = within ?? Math.max(DEFAULT_WITHIN_MS, intervalMs);
  if (command === undefined) return undefined;
  if (command.text.trim() === '') {
    sink.error(
      command.value.span,
      'missing-run',
      '"ready" has nothing to run',
      'Write ready "pg_isready -U postgres".',
    );
    return undefined;
  }
  const [dotted] = /\$\{\{?\s*[A-Za-z_]\w*\.[^}]*\}{0,2}/.exec(command.text) ?? [];
  if (dotted !== undefined) {
    sink.error(
      spanOfPiece(command.value, dotted, lines),
      'dotted-name-in-run',
      `${quote(dotted)} in a command: no shell variable has a dot in its name`,
      'Give the service a variable, and read that: env VERSION="${…}", then $VERSION.',
    );
  }
  return { command: command.text, intervalMs, withinMs };
}
