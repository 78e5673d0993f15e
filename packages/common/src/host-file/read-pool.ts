import { nearestName } from '../errors/index.js';
import {
  flagOf,
  flagsAsChildren,
  identityOf,
  isImageName,
  isPoolName,
  type LocatedNode,
  numberOf,
  quote,
  readWords,
  type SaidWords,
  sizeOf,
  sizeText,
  type Text,
  textOf,
} from '../kdl/index.js';
import type { WrittenSize } from './check-sizes.js';
import type { HostCode, HostSink } from './diagnostic-codes.js';
import type { HostPool } from './host-description.js';
import { hostLimits } from './limits.js';
import { backends, hostLanguage, words } from './words.js';

export interface ReadPool {
  name: Text;
  /** Undefined: something is wrong with it, and was told. */
  pool: HostPool | undefined;
  size: WrittenSize;
}

/** Undefined: it has no name that it could be known by. */
export function readPool(written: LocatedNode, sink: HostSink): ReadPool | undefined {
  const node = flagsAsChildren(hostLanguage, written, 'pool');
  const said = readWords(hostLanguage, node, 'pool', sink);
  const name = readPoolName(identityOf(node, said, 'name', sink), node, said, sink);
  const backend = readBackend(node, said, sink);
  const image = readImage(said, sink);
  const cpus = numberOf(said.get('cpus'), { whole: false, most: hostLimits.cpus }, sink);
  const memoryBytes = readMemory(said, sink);
  const trustedOnly = flagOf(said.get('trusted_only'), sink);
  if (backend !== undefined) reportLater(said, backend, sink);
  if (name === undefined) return undefined;
  const cpusAt = said.get('cpus')?.node.arguments[0];
  const memoryAt = said.get('memory')?.node.arguments[0];
  const size: WrittenSize = {
    name: name.text,
    span: node.headSpan,
    ...(cpus === undefined || cpusAt === undefined ? {} : { cpus: { count: cpus, span: cpusAt.span } }),
    ...(memoryBytes === undefined || memoryAt === undefined
      ? {}
      : { memory: { bytes: memoryBytes, written: String(memoryAt.value), span: memoryAt.span } }),
  };
  if (backend === undefined) return { name, size, pool: undefined };
  if (backend === 'process' && said.get('image') !== undefined) {
    warnUnused(said, 'image', 'Its jobs run on the machine itself; take the image out.', sink);
  }
  return {
    name,
    size,
    pool: {
      name: name.text,
      backend,
      ...(image === undefined || backend === 'process' ? {} : { image }),
      ...(cpus === undefined ? {} : { cpus }),
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
      ...(trustedOnly ? { trustedOnly } : {}),
      span: node.headSpan,
    },
  };
}

/** Of a pool or an alias: a pool's name, or `*`. */
export function readPoolName(
  text: Text | undefined,
  node: LocatedNode,
  said: SaidWords,
  sink: HostSink,
): Text | undefined {
  if (text === undefined) {
    const example = node.name === 'pool' ? 'pool "ubuntu-22.04"' : 'alias "ubuntu-latest" "ubuntu-22.04"';
    if (said.get('name') === undefined && node.arguments.length === 0 && !said.hasUnknown) {
      sink.error(node.headSpan, 'missing-name', `this ${node.name} has no name`, `Write ${example}.`);
    }
    return undefined;
  }
  if (text.text === '*' || isPoolName(text.text)) return text;
  sink.error(
    text.value.span,
    'bad-pool',
    `${quote(text.text)} is not the name of a pool`,
    'A pool is called by letters, digits, ".", "_" and "-", at most 63; "*" is for what no other host serves.',
  );
  return undefined;
}

function readBackend(node: LocatedNode, said: SaidWords, sink: HostSink): HostPool['backend'] | undefined {
  const written = said.get('backend');
  if (written === undefined) {
    if (!said.hasUnknown) {
      const hint = 'Write backend="container", or backend="process" for jobs without isolation.';
      sink.error(node.headSpan, 'missing-backend', 'this pool does not say how its jobs run', hint);
    }
    return undefined;
  }
  const text = textOf(written, sink);
  if (text === undefined) return undefined;
  if (text.text === 'container' || text.text === 'process') return text.text;
  const names = Object.keys(backends);
  if (names.includes(text.text)) {
    sink.error(
      text.value.span,
      'not-available-yet',
      `backend ${quote(text.text)} is not available yet`,
      'A host does not serve fewer pools than its file says: comment this one out with "/-" until it is.',
    );
    return undefined;
  }
  const nearest = foreignBackends[text.text.toLowerCase()] ?? nearestName(text.text, names);
  sink.error(
    text.value.span,
    'unknown-backend',
    `there is no backend ${quote(text.text)}`,
    nearest === undefined ? `There are: ${names.join(', ')}.` : `Did you mean "${nearest}"?`,
  );
  return undefined;
}

const foreignBackends: Record<string, string> = {
  docker: 'container',
  podman: 'container',
  oci: 'container',
  shell: 'process',
  local: 'process',
  qemu: 'vm',
  kvm: 'vm',
};

function readImage(said: SaidWords, sink: HostSink): string | undefined {
  const text = textOf(said.get('image'), sink);
  // An image of a virtual machine or a zone is called otherwise; those pools are refused as a whole.
  const [backend] = said.get('backend')?.node.arguments ?? [];
  if (text === undefined || backend?.value === 'vm' || backend?.value === 'zone') return undefined;
  if (isImageName(text.text)) return text.text;
  sink.error(
    text.value.span,
    'bad-image',
    `${quote(text.text)} is not the name of an image`,
    'Images are called "debian:12", "ghcr.io/acme/rust:1.79" or "name@sha256:…", in small letters.',
  );
  return undefined;
}

function readMemory(said: SaidWords, sink: HostSink): number | undefined {
  const bytes = sizeOf(said.get('memory'), sink);
  const [value] = said.get('memory')?.node.arguments ?? [];
  if (bytes === undefined || value === undefined || bytes >= hostLimits.poolMemoryBytes) return bytes;
  const least = sizeText(hostLimits.poolMemoryBytes);
  sink.error(
    value.span,
    'pool-too-small',
    `a job with ${sizeText(bytes)} of memory would not start`,
    `Give it ${least} or more.`,
  );
  return undefined;
}

/** What is designed and not built: refused where a job would run otherwise than the file says. */
function reportLater(said: SaidWords, backend: HostPool['backend'], sink: HostSink): void {
  for (const { name, later } of words.pool) {
    const one = said.get(name);
    if (later === undefined || one === undefined) continue;
    const message = `"${name}" is not available yet`;
    const code: HostCode = 'not-available-yet';
    if (later === 'refused') {
      const hint = 'Jobs would run otherwise than it says, so the host does not start with it: take it out.';
      sink.error(one.node.nameSpan, code, message, hint);
    } else {
      const hint =
        name === 'warm' ? 'Each worker is made when its job comes.' : `The disk of a ${backend} is not bounded.`;
      sink.warning(one.node.nameSpan, code, message, hint);
    }
  }
}

function warnUnused(said: SaidWords, word: string, hint: string, sink: HostSink): void {
  const one = said.get(word);
  if (one !== undefined) {
    sink.warning(one.node.nameSpan, 'unused-word', `"${word}" means nothing for a process`, hint);
  }
}
