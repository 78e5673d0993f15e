import { nearestName } from '../errors/index.js';
import { quote, type Text } from '../kdl/index.js';
import type { HostSink } from './diagnostic-codes.js';
import type { ReadAlias } from './read-alias.js';
import type { ReadPool } from './read-pool.js';

/** Each name once, and aliases only for pools that are there. Also asks pools that are wrong otherwise. */
export function checkNames(pools: readonly ReadPool[], aliases: readonly ReadAlias[], sink: HostSink): void {
  const byName = new Map<string, Text>();
  for (const { name } of pools) {
    const earlier = byName.get(name.text);
    if (earlier === undefined) byName.set(name.text, name);
    else {
      sink.error(
        name.value.span,
        'duplicate-pool',
        `there is a pool ${quote(name.text)} already`,
        `It stands in line ${earlier.value.span.line}; give this one another name, or take it out.`,
      );
    }
  }
  const names = [...byName.keys()];
  const aliasNames = new Map<string, Text>();
  for (const { name, pool } of aliases) {
    const shadowed = byName.get(name.text);
    const earlier = aliasNames.get(name.text);
    if (shadowed !== undefined) {
      sink.error(
        name.value.span,
        'alias-is-a-pool',
        `there is a pool ${quote(name.text)}, so this cannot be an alias`,
        `The pool stands in line ${shadowed.value.span.line}; keep one of them.`,
      );
    } else if (earlier !== undefined) {
      sink.error(
        name.value.span,
        'duplicate-alias',
        `there is an alias ${quote(name.text)} already`,
        `It stands in line ${earlier.value.span.line}; keep one of them.`,
      );
    }
    if (earlier === undefined) aliasNames.set(name.text, name);
    if (pool !== undefined && !byName.has(pool.text)) reportUnknownPool(pool, names, aliases, sink);
  }
}

function reportUnknownPool(pool: Text, names: readonly string[], aliases: readonly ReadAlias[], sink: HostSink): void {
  const other = aliases.find(({ name }) => name.text === pool.text)?.pool?.text;
  if (other !== undefined) {
    const hint = names.includes(other) ? `Name the pool itself: ${quote(other)}.` : 'Name the pool itself.';
    sink.error(pool.value.span, 'unknown-pool', `${quote(pool.text)} is an alias, not a pool`, hint);
    return;
  }
  const nearest = sink.isFull ? undefined : nearestName(pool.text, names);
  sink.error(
    pool.value.span,
    'unknown-pool',
    `there is no pool ${quote(pool.text)} in this file`,
    nearest !== undefined
      ? `Did you mean "${nearest}"?`
      : names.length === 0
        ? 'It has no pools.'
        : `There are: ${names.slice(0, 10).join(', ')}${names.length > 10 ? ', …' : ''}.`,
  );
}
