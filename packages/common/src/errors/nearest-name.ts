/**
 * The known name that was probably meant, for "did you mean …?"; undefined when none is near.
 * Near: at most a third of its letters wrong (at least one, a swap of neighbours counting as one), letter case and `-` for `_` aside.
 */
export function nearestName(word: string, known: readonly string[]): string | undefined {
  const written = fold(word);
  let best: { name: string; distance: number } | undefined;
  for (const name of known) {
    const distance = editDistance(written, fold(name));
    if (distance <= Math.max(1, Math.floor(name.length / 3)) && (best === undefined || distance < best.distance)) {
      best = { name, distance };
    }
  }
  return best?.name;
}

function fold(word: string): string {
  // Nobody means a name of thousands of letters, and the cost below is quadratic.
  return word.slice(0, 100).toLowerCase().replaceAll('-', '_');
}

/** Insertions, deletions, replacements and swaps of neighbours that make one word the other. */
function editDistance(left: string, right: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const replaced = (last[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1);
      let cost = Math.min(replaced, (last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1);
      if (row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]) {
        cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(cost);
    }
    beforeLast = last;
    last = current;
  }
  return last[right.length] ?? 0;
}
