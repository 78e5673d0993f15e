/**
 * The ids of the cells of a matrix: `test.ubuntu-22.04.stable`, the id of the job and the values of its axes, each after a
 * dot. A job's own id has no dot, so no cell is ever called like a job; and letters, digits, `.`, `_` and `-` need no
 * quoting in a shell, an address, a file name, a label or an attempt id, which `test[os=ubuntu]` would. They stay the same
 * when another value is added to an axis, which numbers would not.
 */
export function cellIds(jobId: string, cells: readonly Readonly<Record<string, string>>[]): string[] {
  const taken = new Set<string>();
  const next = new Map<string, number>();
  return cells.map((cell) => {
    const wanted = cut([jobId, ...Object.values(cell).map(plain)].join('.'));
    let id = wanted;
    // Values that read the same without what an id cannot have: the later ones are numbered.
    for (let number = next.get(wanted) ?? 2; taken.has(id); number += 1) {
      id = `${wanted}-${number}`;
      next.set(wanted, number + 1);
    }
    taken.add(id);
    return id;
  });
}

/** The longest id before it is numbered. */
const mostCharacters = 150;

function plain(value: string): string {
  const made = value
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
  return made === '' ? '-' : made;
}

function cut(id: string): string {
  return id.length > mostCharacters ? id.slice(0, mostCharacters) : id;
}
