import { nearestName } from '../errors/index.js';
import { type Language, spelled } from './language.js';
import type { LocatedNode, LocatedValue } from './located-tree.js';

/**
 * `pool "local" trusted-only` means `pool "local" { trusted-only; }`: what follows the first argument, without quotes, and
 * is a flag of this place (or nearly one) becomes a child.
 */
export function flagsAsChildren<Place extends string>(
  language: Language<Place>,
  node: LocatedNode,
  place: Place,
): LocatedNode {
  const [identity, ...others] = node.arguments;
  if (identity === undefined || others.length === 0) return node;
  const flags = language.words[place].filter((word) => word.form === 'flag').map((word) => word.name);
  const isFlag = ({ value, source }: LocatedValue): boolean =>
    typeof value === 'string' && value === source && nearestName(spelled(value), flags) !== undefined;
  const said = others.filter(isFlag);
  if (said.length === 0) return node;
  return {
    ...node,
    arguments: [identity, ...others.filter((other) => !isFlag(other))],
    children: [...said.map(({ source, span }) => flag(source, span)), ...(node.children ?? [])],
  };
}

function flag(name: string, span: LocatedValue['span']): LocatedNode {
  return { name, nameSpan: span, headSpan: span, arguments: [], properties: [], children: undefined };
}
