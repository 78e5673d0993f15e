import {
  identityOf,
  isHostId,
  type LocatedNode,
  numberOf,
  quote,
  readWords,
  reportUnknown,
  type SaidWords,
  type SpanMaker,
  sizeOf,
  spelled,
} from '../kdl/index.js';
import type { Capacity } from '../store/index.js';
import { checkNames } from './check-names.js';
import { checkSizes } from './check-sizes.js';
import type { HostSink } from './diagnostic-codes.js';
import type { HostDescription } from './host-description.js';
import { hostLimits } from './limits.js';
import { readAlias } from './read-alias.js';
import { readPool } from './read-pool.js';
import { hostLanguage } from './words.js';

/** The meaning of a document. What it returns counts only if the sink has no errors then. */
export function readHost(
  file: string,
  document: LocatedNode[],
  lines: SpanMaker,
  sink: HostSink,
): Omit<HostDescription, 'warnings'> | undefined {
  const hosts = document.filter((node) => spelled(node.name) === 'host');
  for (const node of document) {
    if (!hosts.includes(node)) reportUnknown(hostLanguage, node, 'file', sink);
  }
  const [node, ...others] = hosts;
  for (const other of others) {
    sink.error(
      other.headSpan,
      'second-host',
      'a file holds one host, and this is another',
      'Each host reads a file of its own.',
    );
  }
  if (node === undefined) {
    if (document.length === 0) {
      const hint = 'Begin with host id="…" { pool "default" backend="container"; }.';
      sink.error(lines(0, 0), 'missing-host', 'there is no host in this file', hint);
    }
    return undefined;
  }
  const said = readWords(hostLanguage, node, 'host', sink);
  const id = readId(node, said, sink);
  const capacity = readCapacity(said, sink);
  const pools = said.all('pool').flatMap((one) => readPool(one.node, sink) ?? []);
  const aliases = said.all('alias').flatMap((one) => readAlias(one.node, sink) ?? []);
  const count = said.all('pool').length;
  if (count === 0 && !said.hasUnknown) {
    sink.error(
      node.headSpan,
      'no-pools',
      'this host serves no pool, so it would take no job',
      'Give it one: pool "default" backend="container" image="debian:12".',
    );
  }
  const beyond = [...said.all('pool'), ...said.all('alias')][hostLimits.pools];
  if (beyond !== undefined) {
    sink.error(
      beyond.node.headSpan,
      'too-many-pools',
      `a host may have ${hostLimits.pools} pools and aliases, and this is one more`,
      'Jobs may name their images themselves, so one pool can serve many.',
    );
    return undefined;
  }
  checkNames(pools, aliases, sink);
  checkSizes(
    pools.map(({ size }) => size),
    capacity,
    sink,
  );
  return {
    file,
    ...(id === undefined ? {} : { id }),
    capacity,
    pools: pools.flatMap(({ pool }) => pool ?? []),
    aliases: aliases.flatMap(({ name, pool }) => (pool === undefined ? [] : [{ name: name.text, pool: pool.text }])),
  };
}

function readId(node: LocatedNode, said: SaidWords, sink: HostSink): string | undefined {
  const id = identityOf(node, said, 'id', sink);
  if (id === undefined || isHostId(id.text)) return id?.text;
  const lower = id.text
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, '-')
    .replace(/^[.-]+|[.-]+$/g, '')
    .slice(0, 63);
  sink.error(
    id.value.span,
    'bad-host-id',
    `${quote(id.text)} is no good as the id of a host`,
    `An id has lower case letters, digits, "-" and "."${isHostId(lower) ? `: id="${lower}"` : ''}.`,
  );
  return undefined;
}

function readCapacity(said: SaidWords, sink: HostSink): Partial<Capacity> {
  const written = said.get('capacity');
  if (written === undefined) return {};
  const { node } = written;
  const [argument] = node.arguments;
  const form = 'Write capacity cpus=8 memory="32GiB" slots=8.';
  if (argument !== undefined) sink.error(argument.span, 'wrong-form', '"capacity" has no value of its own', form);
  const inner = readWords(hostLanguage, node, 'capacity', sink);
  if (argument === undefined && inner.said.length === 0 && !inner.hasUnknown) {
    sink.error(node.headSpan, 'missing-value', '"capacity" says nothing', form);
  }
  const cpus = numberOf(inner.get('cpus'), { whole: false, most: hostLimits.cpus }, sink);
  const memoryBytes = sizeOf(inner.get('memory'), sink);
  const slots = numberOf(inner.get('slots'), { whole: true, most: hostLimits.slots }, sink);
  return {
    ...(cpus === undefined ? {} : { cpus }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(slots === undefined ? {} : { slots }),
  };
}
