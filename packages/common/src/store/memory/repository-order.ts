import type { Repository } from '../port/index.js';

/** By forge and name. */
export function compareRepositories(a: Repository, b: Repository): number {
  return compare(a.forge, b.forge) || compare(a.name, b.name);
}

/** By code units, as a database with collation C would. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
