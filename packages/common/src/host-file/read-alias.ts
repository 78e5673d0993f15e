import { asText, identityOf, type LocatedNode, quote, readWords, type Text, textOf } from '../kdl/index.js';
import type { HostSink } from './diagnostic-codes.js';
import { readPoolName } from './read-pool.js';
import { hostLanguage } from './words.js';

/** An alias, and where the names in it stand, for what is checked once all pools are known. */
export interface ReadAlias {
  name: Text;
  /** Undefined: it is missing or wrong, and was told. */
  pool: Text | undefined;
}

/** `alias "ubuntu-latest" "ubuntu-22.04"`, or with `pool=` for the second. */
export function readAlias(node: LocatedNode, sink: HostSink): ReadAlias | undefined {
  const said = readWords(hostLanguage, node, 'alias', sink);
  const [first, second, ...others] = node.arguments;
  // The name may be said as a word; then the only argument is the pool.
  const named = said.get('name') !== undefined;
  const positional = named ? first : second;
  const extra = named ? second : others[0];
  if (extra !== undefined) {
    sink.error(
      extra.span,
      'wrong-form',
      'an alias has a name and a pool; this is more',
      'Write another line: alias "…" "…".',
    );
  }
  const head = { ...node, arguments: named || first === undefined ? [] : [first] };
  const name = readPoolName(identityOf(head, said, 'name', sink), node, said, sink);
  const written = said.get('pool');
  if (positional !== undefined && written !== undefined) {
    sink.error(
      written.node.nameSpan,
      'duplicate-word',
      'the pool is said twice: the second argument is the pool too',
      'Keep one of them.',
    );
  }
  const pool = positional === undefined ? textOf(written, sink) : asText(positional, 'pool', sink);
  if (name === undefined) return undefined;
  if (positional === undefined && written === undefined && !said.hasUnknown) {
    sink.error(
      node.headSpan,
      'missing-value',
      `this alias does not say which pool ${quote(name.text)} is`,
      `Write alias ${quote(name.text)} "ubuntu-22.04".`,
    );
  }
  return { name, pool };
}
